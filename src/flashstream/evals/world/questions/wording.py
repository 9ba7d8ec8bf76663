"""How questions are put. {a}: a thing with its article, {x}: without; {w}: a length of time."""

NOW = (
    "What is there now?",
    "What is in the picture now?",
    "What can be seen at the moment?",
    "What does the camera show now?",
    "Who or what is there right now?",
)
NOW_IS = (
    "Is there {a} now?",
    "Is {a} in the picture right now?",
    "Can {a} be seen at the moment?",
    "Does the camera show {a} now?",
)
EVER = (
    "Has {a} been here?",
    "Was there ever {a}?",
    "Did {a} come by at any time?",
    "Has the camera seen {a}?",
    "Have you seen {a} so far?",
)
EVER_WITHIN = (
    "Was there {a} in the last {w}?",
    "Has {a} been seen in the past {w}?",
    "During the last {w}, did {a} come by?",
    "Did the camera see {a} within the last {w}?",
)
BEFORE = (
    "Did the {x} come before the {y}?",
    "Was the {x} there earlier than the {y}?",
    "Is it true that the {x} came first and the {y} later?",
    "Did the {y} come after the {x}?",
)
SEQUENCE = (
    "Did they come in this order: {x}, {y}, {z}?",
    "First {x}, then {y}, then {z}: is that what happened?",
    "Is it right that the {x} came first, the {y} next and the {z} last?",
    "Was the order {x}, {y}, {z}?",
)
ORDER = (
    "In what order did these come: {x}, {y}, {z}?",
    "Put in the order of their coming: {x}, {y}, {z}.",
    "Which came first, second and third of {x}, {y} and {z}?",
)
WHICH_FIRST = (
    "Which came first, the {x} or the {y}?",
    "What was there earlier, the {x} or the {y}?",
    "Of the {x} and the {y}, which came first?",
)
SUMMARY = (
    "What has been seen in the last {w}?",
    "Sum up the last {w}: what was there?",
    "What did the camera see during the past {w}?",
    "Which things were there in the last {w}?",
)
SUMMARY_GROUP = (
    "Which {g} were seen in the last {w}?",
    "What {g} did the camera see during the past {w}?",
    "Name the {g} of the last {w}.",
)
ACTION = (
    "What did the {x} do?",
    "Did the {x} stand still, walk to and fro, or cross the picture?",
    "How did the {x} behave?",
    "What was the {x} doing while it was there?",
)
CAME_FROM = (
    "From which side did the {x} come?",
    "Did the {x} come from the left or from the right?",
    "Where did the {x} enter the picture?",
)
LEFT_TO = (
    "To which side did the {x} leave?",
    "Did the {x} leave to the left or to the right?",
    "Where did the {x} go out of the picture?",
)
WHEN = (
    "When did the {x} come?",
    "When did you first see the {x}?",
    "How long ago did the {x} come?",
    "At what time did the {x} appear?",
)
HOW_LONG = (
    "How long did the {x} stay?",
    "For how long was the {x} there?",
    "How much time did the {x} spend in the picture?",
)
TIMES = (
    "How many times has {a} come?",
    "How often was there {a}?",
    "How many visits of {a} have there been?",
)
KINDS_WITHIN = (
    "How many different {g} came in the last {w}?",
    "How many kinds of {g} were there during the past {w}?",
    "In the last {w}, how many different {g} were seen?",
)
BETWEEN = (
    "What came between {p} ago and {q} ago?",
    "What happened from {p} ago to {q} ago?",
    "Who or what arrived between {p} and {q} ago?",
)
BETWEEN_CLOCK = (
    "What came between {p} and {q}?",
    "What happened from {p} to {q}?",
    "Which things arrived between {p} and {q}, in order?",
)
