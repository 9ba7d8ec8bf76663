"""The things that act in worlds, by the plain words people use for them.

`NAMES` were chosen by measurement: the demo encoder knows them again, drawn by another hand
(`separability`; figures in docs/world.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Name:
    """word: what it is called; group: the plural of what kind of thing it is; characters: those
    that are drawings of it in every set; also: what else it may be called in an answer; dev:
    whether it acts in dev worlds too (see `splits`)."""

    word: str
    group: str
    characters: str
    also: tuple[str, ...] = ()
    dev: bool = False


NAMES: Final[tuple[Name, ...]] = (
    Name("zebra", "animals", "🦓"),
    Name("panda", "animals", "🐼", also=("panda bear",), dev=True),
    Name("chick", "animals", "🐤🐥", also=("baby chicken",)),
    Name("lizard", "animals", "🦎", also=("gecko",)),
    Name("skunk", "animals", "🦨"),
    Name("giraffe", "animals", "🦒", dev=True),
    Name("lion", "animals", "🦁"),
    Name("penguin", "animals", "🐧"),
    Name("frog", "animals", "🐸", also=("toad",), dev=True),
    Name("fox", "animals", "🦊"),
    Name("owl", "animals", "🦉"),
    Name("bus", "vehicles", "🚌🚍", also=("coach",), dev=True),
    Name("car", "vehicles", "🚗🚘", also=("automobile",), dev=True),
    Name("ambulance", "vehicles", "🚑", dev=True),
    Name("tractor", "vehicles", "🚜"),
    Name("airplane", "vehicles", "✈🛩", also=("plane", "aeroplane")),
    Name("bicycle", "vehicles", "🚲", also=("bike",)),
    Name("orange", "foods", "🍊", dev=True),
    Name("cookie", "foods", "🍪", also=("biscuit",)),
    Name("lollipop", "foods", "🍭", also=("candy",), dev=True),
    Name("cheese", "foods", "🧀", dev=True),
    Name("avocado", "foods", "🥑"),
    Name("baguette", "foods", "🥖", also=("bread",)),
    Name("tomato", "foods", "🍅"),
    Name("lemon", "foods", "🍋", dev=True),
    Name("potato", "foods", "🥔"),
    Name("castle", "buildings", "🏰", dev=True),
    Name("church", "buildings", "⛪"),
    Name("bridge", "buildings", "🌉", dev=True),
    Name("carousel", "buildings", "🎠", also=("merry go round",)),
    Name("envelope", "things", "✉", also=("letter",), dev=True),
    Name("door", "things", "🚪", dev=True),
    Name("screwdriver", "things", "🪛", dev=True),
    Name("keyboard", "things", "⌨", dev=True),
    Name("traffic light", "things", "🚦🚥", also=("stoplight", "traffic lights"), dev=True),
    Name("soccer ball", "things", "⚽", also=("football", "ball"), dev=True),
    Name("bomb", "things", "💣", dev=True),
    Name("compass", "things", "🧭"),
    Name("dart board", "things", "🎯", also=("dartboard", "target")),
    Name("ladder", "things", "🪜", dev=True),
    Name("mailbox", "things", "📫", also=("letterbox", "letter box"), dev=True),
    Name("bell", "things", "🔔"),
)

EXTRAS: Final[Mapping[str, str]] = {
    "animals": (
        "cat:🐈🐱 dog:🐕🐶 poodle:🐩 cow:🐄🐮 horse:🐎🐴 pig:🐖🐷 mouse:🐁🐭 rabbit:🐇🐰 "
        "tiger:🐅🐯 leopard:🐆 monkey:🐒🐵 gorilla:🦍 wolf:🐺 raccoon:🦝 bear:🐻 "
        "koala:🐨 deer:🦌 bison:🦬 sheep:🐑 goat:🐐 camel:🐪🐫 llama:🦙 elephant:🐘 "
        "hippo:🦛 hamster:🐹 beaver:🦫 hedgehog:🦔 bat:🦇 sloth:🦥 kangaroo:🦘 "
        "badger:🦡 turkey:🦃 chicken:🐔 rooster:🐓 duck:🦆 swan:🦢 eagle:🦅 "
        "flamingo:🦩 peacock:🦚 parrot:🦜 crocodile:🐊 turtle:🐢 snake:🐍 "
        "dragon:🐉🐲 dinosaur:🦕🦖 whale:🐋🐳 dolphin:🐬 seal:🦭 fish:🐟🐠 shark:🦈 "
        "octopus:🐙 snail:🐌 butterfly:🦋 ladybug:🐞 bee:🐝 ant:🐜 cricket:🦗 "
        "scorpion:🦂 crab:🦀 lobster:🦞 shrimp:🦐 squid:🦑 unicorn:🦄"
    ),
    "vehicles": (
        "taxi:🚕🚖 truck:🚚🚛 scooter:🛵🛴 train:🚆🚂 helicopter:🚁 sailboat:⛵ "
        "speedboat:🚤 canoe:🛶"
    ),
    "foods": (
        "melon:🍈 watermelon:🍉 banana:🍌 pineapple:🍍 mango:🥭 apple:🍎🍏 pear:🍐 "
        "peach:🍑 strawberry:🍓 coconut:🥥 eggplant:🍆 carrot:🥕 cucumber:🥒 "
        "onion:🧅 croissant:🥐 pretzel:🥨 burger:🍔 pizza:🍕 taco:🌮 egg:🥚🍳 "
        "doughnut:🍩 cupcake:🧁"
    ),
    "buildings": ("house:🏠🏡 tent:⛺ fountain:⛲ stadium:🏟 mosque:🕌 ferris_wheel:🎡"),
    "things": (
        "cactus:🌵 tulip:🌷 sunflower:🌻 rose:🌹 mushroom:🍄 basketball:🏀 "
        "volleyball:🏐 trophy:🏆 medal:🏅 teddy_bear:🧸 kite:🪁 balloon:🎈 gift:🎁 "
        "pumpkin:🎃 snowman:⛄☃ umbrella:☂🌂 crown:👑 shirt:👕 dress:👗 boot:👢🥾 "
        "sock:🧦 backpack:🎒 suitcase:🧳 guitar:🎸 violin:🎻 trumpet:🎺 "
        "saxophone:🎷 drum:🥁 microphone:🎤 radio:📻 telephone:☎📞 computer:💻🖥 "
        "printer:🖨 television:📺 hourglass:⏳⌛ light_bulb:💡 "
        "candle:🕯 book:📕📖 newspaper:📰 pencil:✏ key:🔑🗝 lock:🔒 hammer:🔨 axe:🪓 "
        "wrench:🔧 magnet:🧲 bucket:🪣 broom:🧹 basket:🧺 chair:🪑 sofa:🛋 "
        "bathtub:🛁 toilet:🚽 telescope:🔭 microscope:🔬 globe:🌍🌎 rainbow:🌈 "
        "robot:🤖 ghost:👻 skull:💀 heart:❤ shopping_cart:🛒 feather:🪶 fork:🍴 "
        "spoon:🥄"
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
