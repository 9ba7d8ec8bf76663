"""The things that act in worlds, by the plain words people use for them.

`NAMES` were chosen by measurement: the demo encoder knows them again, drawn by another hand
(`separability`; figures in docs/world.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Name:
    """word: what it is called; group: the plural of what kind of thing it is, "things" if of no
    other; characters: those that are drawings of it in every set; test, dev: the sets whose
    drawings act in those splits, "" if it does not act there, and the train's are all others;
    also: what else it may be called in an answer."""

    word: str
    group: str
    characters: str
    test: str = ""
    dev: str = ""
    also: tuple[str, ...] = ()


NAMES: Final[tuple[Name, ...]] = (
    Name("bear", "animals", "🐻", test="noto"),
    Name("butterfly", "animals", "🦋", test="twemoji"),
    Name("fox", "animals", "🦊", test="openmoji"),
    Name("frog", "animals", "🐸", test="openmoji", also=("toad",)),
    Name("lion", "animals", "🦁", test="openmoji"),
    Name("panda", "animals", "🐼", test="noto", also=("panda bear",)),
    Name("skunk", "animals", "🦨", test="openmoji"),
    Name("zebra", "animals", "🦓", test="twemoji", dev="openmoji"),
    Name("airplane", "vehicles", "✈🛩", test="openmoji", also=("plane", "aeroplane")),
    Name("ambulance", "vehicles", "🚑", test="noto", dev="openmoji"),
    Name("taxi", "vehicles", "🚕🚖", test="openmoji", dev="twemoji", also=("cab",)),
    Name("tractor", "vehicles", "🚜", test="twemoji", dev="openmoji"),
    Name("avocado", "foods", "🥑", test="noto", dev="twemoji"),
    Name("banana", "foods", "🍌", test="twemoji"),
    Name("burger", "foods", "🍔", test="noto", also=("hamburger", "cheeseburger")),
    Name("cheese", "foods", "🧀", test="noto"),
    Name("lollipop", "foods", "🍭", test="noto", dev="twemoji", also=("candy",)),
    Name("watermelon", "foods", "🍉", test="noto", dev="openmoji", also=("slice of watermelon",)),
    Name("guitar", "instruments", "🎸", test="twemoji"),
    Name("piano", "instruments", "🎹", test="twemoji", dev="openmoji", also=("piano keys",)),
    Name("basketball", "balls", "🏀", test="openmoji"),
    Name("soccer ball", "balls", "⚽", test="noto", dev="openmoji", also=("football",)),
    Name("volleyball", "balls", "🏐", test="noto"),
    Name("bell", "things", "🔔", test="twemoji", dev="noto"),
    Name("compass", "things", "🧭", test="twemoji", dev="openmoji"),
    Name("door", "things", "🚪", test="twemoji", dev="openmoji"),
    Name("envelope", "things", "✉", test="noto", also=("letter",)),
    Name("heart", "things", "❤", test="twemoji", dev="noto"),
    Name("keyboard", "things", "⌨", test="noto"),
    Name("ladder", "things", "🪜", test="noto", dev="openmoji"),
    Name("newspaper", "things", "📰", test="twemoji", dev="openmoji"),
    Name("rainbow", "things", "🌈", test="noto", dev="openmoji"),
    Name("screwdriver", "things", "🪛", test="noto", dev="twemoji"),
    Name("snowman", "things", "⛄☃", test="openmoji"),
    Name("television", "things", "📺", test="noto", dev="openmoji", also=("tv",)),
    Name(
        "traffic light",
        "things",
        "🚦🚥",
        test="twemoji",
        dev="openmoji",
        also=("stoplight", "traffic lights"),
    ),
    Name("umbrella", "things", "☂🌂", test="twemoji", dev="noto"),
)

EXTRAS: Final[Mapping[str, str]] = {
    "animals": (
        "cat:🐈🐱 dog:🐕🐶 poodle:🐩 cow:🐄🐮 horse:🐎🐴 pig:🐖🐷 mouse:🐁🐭 rabbit:🐇🐰 "
        "tiger:🐅🐯 leopard:🐆 monkey:🐒🐵 gorilla:🦍 wolf:🐺 raccoon:🦝 koala:🐨 "
        "deer:🦌 bison:🦬 sheep:🐑 goat:🐐 camel:🐪🐫 llama:🦙 elephant:🐘 hippo:🦛 "
        "hamster:🐹 beaver:🦫 hedgehog:🦔 bat:🦇 sloth:🦥 kangaroo:🦘 badger:🦡 "
        "turkey:🦃 chicken:🐔 rooster:🐓 duck:🦆 swan:🦢 eagle:🦅 flamingo:🦩 "
        "peacock:🦚 parrot:🦜 crocodile:🐊 turtle:🐢 snake:🐍 dragon:🐉🐲 "
        "dinosaur:🦕🦖 whale:🐋🐳 dolphin:🐬 seal:🦭 fish:🐟🐠 shark:🦈 octopus:🐙 "
        "snail:🐌 ladybug:🐞 bee:🐝 ant:🐜 cricket:🦗 scorpion:🦂 crab:🦀 "
        "lobster:🦞 shrimp:🦐 squid:🦑 unicorn:🦄 chick:🐤🐥 lizard:🦎 giraffe:🦒 "
        "penguin:🐧 owl:🦉"
    ),
    "vehicles": (
        "speedboat:🚤 truck:🚚🚛 scooter:🛵🛴 train:🚆🚂 helicopter:🚁 sailboat:⛵ canoe:🛶 "
        "bus:🚌🚍 car:🚗🚘 bicycle:🚲"
    ),
    "foods": (
        "melon:🍈 pineapple:🍍 mango:🥭 apple:🍎🍏 pear:🍐 peach:🍑 strawberry:🍓 "
        "coconut:🥥 eggplant:🍆 carrot:🥕 cucumber:🥒 onion:🧅 croissant:🥐 "
        "pretzel:🥨 pizza:🍕 taco:🌮 egg:🥚🍳 doughnut:🍩 cupcake:🧁 orange:🍊 "
        "cookie:🍪 baguette:🥖 tomato:🍅 lemon:🍋 potato:🥔"
    ),
    "buildings": (
        "house:🏠🏡 tent:⛺ fountain:⛲ stadium:🏟 mosque:🕌 ferris_wheel:🎡 "
        "castle:🏰 church:⛪ bridge:🌉 carousel:🎠"
    ),
    "instruments": ("drum:🥁 violin:🎻 trumpet:🎺 saxophone:🎷"),
    "things": (
        "lock:🔒 cactus:🌵 tulip:🌷 sunflower:🌻 rose:🌹 mushroom:🍄 trophy:🏆 medal:🏅 "
        "teddy_bear:🧸 kite:🪁 balloon:🎈 gift:🎁 pumpkin:🎃 crown:👑 shirt:👕 "
        "dress:👗 boot:👢🥾 sock:🧦 backpack:🎒 suitcase:🧳 microphone:🎤 radio:📻 "
        "telephone:☎📞 computer:💻🖥 printer:🖨 hourglass:⏳⌛ light_bulb:💡 "
        "candle:🕯 book:📕📖 pencil:✏ key:🔑🗝 hammer:🔨 axe:🪓 wrench:🔧 magnet:🧲 "
        "bucket:🪣 broom:🧹 basket:🧺 chair:🪑 sofa:🛋 bathtub:🛁 toilet:🚽 "
        "telescope:🔭 microscope:🔬 globe:🌍🌎 robot:🤖 ghost:👻 skull:💀 "
        "shopping_cart:🛒 feather:🪶 fork:🍴 spoon:🥄 bomb:💣 dart_board:🎯 "
        "mailbox:📫"
    ),
}
"""Things that act in train worlds alone, and only where they are wanted, by group: a word (with _
for a space) and its characters. Every hand's drawing of them may be learnt from."""


def extras() -> tuple[Name, ...]:
    """`EXTRAS` as names."""
    pairs = ((group, *entry.split(":")) for group, text in EXTRAS.items() for entry in text.split())
    return tuple(
        Name(word.replace("_", " "), group, characters) for group, word, characters in pairs
    )
