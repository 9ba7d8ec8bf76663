"""How people ask: templates of questions by kind. {t} is a time, {a} a thing with its article, {x}
and {y} things without."""

NOW = (
    "What is there now?",
    "What does the camera show now?",
    "What does the camera show?",
    "What is in view right now?",
    "What do you see?",
    "What can be seen at the moment?",
    "What is the camera looking at?",
    "What is in front of the camera?",
    "What's there now?",
    "Describe what the camera shows.",
)
AT = (
    "What was there {t}?",
    "What did the camera show {t}?",
    "What was in view {t}?",
    "What could be seen {t}?",
    "{T}, what was there?",
    "What was the camera looking at {t}?",
    "What did you see {t}?",
)
SEEN = (
    "Has {a} been seen?",
    "Was {a} seen?",
    "Was there {a}?",
    "Did the camera see {a}?",
    "Have you seen {a}?",
    "Has there been {a}?",
    "Did {a} appear?",
    "Is there {a} in the memory?",
)
ORDER_FIRST = (
    "Which came first, the {x} or the {y}?",
    "What came first, the {x} or the {y}?",
    "Which was seen first, the {x} or the {y}?",
    "Which was there earlier, the {x} or the {y}?",
    "What was seen first: the {x} or the {y}?",
    "Did the {x} or the {y} come first?",
)
ORDER_LAST = (
    "Which came last, the {x} or the {y}?",
    "Which was seen later, the {x} or the {y}?",
    "Which came second, the {x} or the {y}?",
)
ORDER_YES = ("Was the {x} there before the {y}?", "Did the {x} come before the {y}?")
FIRST = (
    "What came first?",
    "What was seen first?",
    "What was the first thing seen?",
    "What did the camera show first?",
)
LAST = ("What came last?", "What was seen last?", "What was the last thing seen?")
AFTER = ("What came after the {x}?", "What was seen after the {x}?", "What followed the {x}?")
BEFORE = ("What came before the {x}?", "What was seen before the {x}?", "What preceded the {x}?")
LIST = (
    "What has been seen?",
    "What has the camera seen?",
    "What things were seen?",
    "List what was seen.",
    "What happened?",
    "Name everything that was seen, in order.",
)
WHEN = ("When was the {x} seen?", "When was the {x} last seen?", "When did you see the {x}?")
UNIT_WORDS = ("second", "minute", "hour", "day")
ABSENT = (
    "person man woman child pizza giraffe train horse book bottle ship tree car bus truck cow "
    "bridge house boat rose sandwich phone robot kite ladder pig banana elephant guitar whale"
)
"""Plain words to ask for in vain."""
