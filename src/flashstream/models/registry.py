"""Model families by name."""

from collections.abc import Callable

from flashstream.config import Settings
from flashstream.errors import SettingError
from flashstream.models.family import ModelFamily


def _demo() -> ModelFamily:
    from flashstream.models.demo.family import DemoFamily

    return DemoFamily()


_FAMILIES: dict[str, Callable[[], ModelFamily]] = {"demo": _demo}


def family(name: str) -> ModelFamily:
    """The light side of the family of that name; raises `SettingError` naming those there are."""
    if name not in _FAMILIES:
        raise SettingError(
            f"no model family is called {name!r}; there are: {', '.join(sorted(_FAMILIES))}",
            model=name,
        )
    return _FAMILIES[name]()


def configured(settings: Settings) -> ModelFamily:
    """The family that the settings name, its memory as they want it."""
    model = family(settings.model)
    model.memory = settings.memory.applied_to(model.memory)
    return model
