"""A form of settings: what it shows of a file and an account, and which changes somebody has made in it.

Plain data in, plain data out. What is not here: which settings there are (`setting_fields`), reading, saving and
answering (`profile_settings`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from keycrm_pipeline.kinds import PaymentKind
from keycrm_pipeline.language import _
from keycrm_pipeline.page.rendering import written
from keycrm_pipeline.page.setting_fields import (
    NOT_EDITABLE,
    OF_OTHER_PAGES,
    Chosen,
    Mapped,
    MappedUsers,
    MethodChoice,
    Organisations,
    PaymentMethods,
    SettingField,
    SettingGroup,
    SettingPage,
    SettingPart,
    refused,
)
from keycrm_pipeline.page.wording import PAYMENT_KINDS
from keycrm_pipeline.period import day_from_text
from keycrm_pipeline.profile import (
    NotEditableError,
    Problem,
    Profile,
    ProfileFile,
    Setting,
    Value,
    dotted,
)
from keycrm_pipeline.run.account import Account, ListedCategory

ALL = "all"
SELECTED = "selected"
_ON = "on"
_ACCOUNT = "account"

_DEFAULTS = Profile.model_validate({"name": "profile", "start_date": "2024-01-01"})


@dataclass(frozen=True)
class Entered:
    """What stands in a form that was sent.

    Attributes:
        form: Name of a field -> what was entered.
        names: Fields whose entries count; of all others the file decides. None for all.
    """

    form: Mapping[str, str]
    names: frozenset[str] | None = None

    def holds(self, name: str) -> bool:
        """Whether the entry of a field counts; what is ticked within it belongs to it."""
        return self.names is None or name in self.names


# What a file says, as a form shows it.


def _at(content: Any, setting: Setting) -> Any:
    for part in setting:
        content = content.get(part) if isinstance(content, Mapping) else None
    return content


def _effective(profile: Profile, setting: Setting) -> Any:
    found: Any = profile
    for part in setting:
        found = getattr(found, str(part))
    return found


def _shown(value: Any) -> str:
    """A value of a file as it stands in a field for text."""
    if value is None:
        return ""
    return "\n".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _stands(field: SettingField, file: ProfileFile) -> str:
    """What a field shows before somebody touches it."""
    if field.kind == "tick":
        return _ON if _effective(file.profile, field.setting) else ""
    if field.kind == "choice":
        return _shown(_effective(file.profile, field.setting))
    return _shown(_at(file.settings, field.setting))


# What somebody has changed.


def changes_of(page: SettingPage, form: Mapping[str, str], file: ProfileFile) -> dict[Setting, Value]:
    """The settings that a form has otherwise than the file from which it was made.

    Args:
        page: The page of the form.
        form: Name of a field -> what was entered.
        file: The file from which the form was made.
    """
    return dict(_changes(page, form, file))


def _changes(
    page: SettingPage, form: Mapping[str, str], file: ProfileFile
) -> Iterator[tuple[Setting, Value]]:
    for part in page.parts:
        if isinstance(part, SettingField):
            entered = _normal(part, form.get(dotted(part.setting), ""))
            if entered != _stands(part, file):
                yield part.setting, _value(part, entered)
        elif isinstance(part, Mapped):
            yield from _changed_entries(part.setting, dict(_by_id(form, dotted(part.setting))), file)
        elif isinstance(part, PaymentMethods):
            yield from _changed_methods(part, form, file)
        elif isinstance(part, MappedUsers):
            entries = dict(_by_id(form, dotted(part.setting)))
            users = enumerate(_users(part, file))
            yield from _changed_entries(
                part.setting, {user: entries.get(number, "") for number, user in users}, file
            )
        elif isinstance(part, Organisations):
            yield from _changed_organisations(part, form, file)
        else:
            yield from _changed_choice(part, form, file)


def _changed_entries(
    setting: Setting, entries: Mapping[int, str] | Mapping[str, str], file: ProfileFile
) -> Iterator[tuple[Setting, Value]]:
    """The entries of a mapping that differ from the file; one that was emptied leaves it."""
    for key, text in entries.items():
        if text.strip() != _shown(_at(file.settings, (*setting, key))):
            yield (*setting, key), text.strip() or None


def _changed_choice(
    part: Chosen, form: Mapping[str, str], file: ProfileFile
) -> Iterator[tuple[Setting, Value]]:
    before = _effective(file.profile, part.setting)
    chosen = _chosen(part, form, before)
    if chosen != (before if before == ALL else list(before)):
        # Without a service category there is nothing to write; without a status the model objects.
        yield part.setting, None if chosen == [] and part.of == "categories" else chosen


def _changed_methods(
    part: PaymentMethods, form: Mapping[str, str], file: ProfileFile
) -> Iterator[tuple[Setting, Value]]:
    yield from _changed_entries(part.short, dict(_by_id(form, dotted(part.short))), file)
    name = dotted(part.setting)
    for field_name, text in form.items():
        head, _, key = field_name.rpartition(".")
        if key != _ACCOUNT and key not in part.choices:
            continue
        for number, _text in _by_id({head: ""}, name):
            setting = (*part.setting, number, key)
            if text.strip() != _chosen_in(file.settings, setting):
                is_typed = key != _ACCOUNT and not part.choices[key].values and key != "organisation"
                yield setting, _sum(text) if is_typed else text.strip() or None


def _users(part: MappedUsers, file: ProfileFile) -> list[str]:
    """The users of the accounting system that the file names."""
    profile = file.profile
    return list(
        dict.fromkeys([profile.author, *profile.managers.values(), *_effective(profile, part.setting)])
    )


_BELONGING = ("accounts", "payment_methods", "sources")
"""What belongs to an organisation, each a list in its entry."""


def _accounts(file: ProfileFile) -> list[str]:
    """The accounts and cash desks that the file names."""
    profile = file.profile
    return list(dict.fromkeys([profile.account, *profile.method_accounts.values()]))


def _changed_organisations(
    part: Organisations, form: Mapping[str, str], file: ProfileFile
) -> Iterator[tuple[Setting, Value]]:
    name = dotted(part.setting)
    accounts = _accounts(file)
    for place, (organisation, known) in enumerate(file.profile.organisations.items()):
        setting: Setting = (*part.setting, organisation)
        if form.get(f"{name}.{place}.remove") == _ON:
            yield setting, None
            continue
        is_default = form.get(f"{name}.default") == str(place)
        limit = form.get(f"{name}.{place}.yearly_limit", "").strip()
        loses_limit = not limit and known.yearly_limit is not None
        # An entry without any setting would be none, so a value that is no longer wanted is not always removed.
        if is_default != known.default or (loses_limit and not _at(file.settings, (*setting, "default"))):
            yield (*setting, "default"), is_default
        if limit != _shown(known.yearly_limit):
            yield (*setting, "yearly_limit"), _sum(limit)
        for key in _BELONGING:
            before = list(getattr(known, key))
            chosen = {
                accounts[number] if key == "accounts" else number: text
                for number, text in _by_id(form, f"{name}.{key}")
                if key != "accounts" or number < len(accounts)
            }
            now = [one for one in before if chosen.get(one, str(place)) == str(place)]
            now += [one for one, text in chosen.items() if text == str(place) and one not in before]
            if now != before:
                yield (*setting, key), now
    new = form.get(f"{name}.new", "").strip()
    if new and new not in file.profile.organisations:
        yield (*part.setting, new, "default"), False


def _sum(entered: str) -> Value:
    """A sum as people write it; what is none is left for the model to refuse."""
    try:
        return Decimal("".join(entered.split()).replace(",", ".")) if entered else None
    except InvalidOperation:
        return entered


_OF_ITSELF: Mapping[Any, str] = {"receipt": "none", "date": "payment"}
"""Setting of a payment method -> its value in the file that is the same as none."""


def _chosen_in(content: Mapping[Any, Any], setting: Setting) -> str:
    """What a file says, as a list of choices shows it: what holds without a choice is the empty one."""
    shown = _shown(_at(content, setting))
    return "" if _OF_ITSELF.get(setting[-1]) == shown else shown


def _normal(field: SettingField, entered: str) -> str:
    if field.kind == "lines":
        return "\n".join(filter(None, map(str.strip, entered.splitlines())))
    return entered.strip()


def _value(field: SettingField, entered: str) -> Value:
    if field.kind == "tick":
        return entered == _ON
    if not entered:
        return None
    if field.kind == "lines":
        return entered.split("\n")
    if field.kind == "number" and entered.isascii() and entered.removeprefix("-").isdecimal():
        return int(entered[:18])
    if field.kind == "day":
        try:
            return day_from_text(entered)
        except ValueError:
            return entered
    return entered


def _by_id(form: Mapping[str, str], name: str) -> Iterator[tuple[int, str]]:
    for field_name, text in form.items():
        number = field_name.removeprefix(f"{name}.")
        if number != field_name and number.isascii() and number.isdecimal() and len(number) < 19:
            yield int(number), text


def _chosen(part: Chosen, form: Mapping[str, str], before: Any) -> str | list[int]:
    """`all`, or the ticked ids: those that were there before in their order, then the others."""
    name = dotted(part.setting)
    if part.of == "statuses" and form.get(name) != SELECTED:
        return ALL
    ticked = [number for number, text in _by_id(form, name) if text == _ON]
    kept = [number for number in before if number in ticked] if before != ALL else []
    return kept + [number for number in ticked if number not in kept]


def with_names(page: SettingPage, form: Mapping[str, str], account: Account) -> dict[str, str]:
    """What was entered, with KeyCRM's own name in each empty field of the mappings that offer to be filled."""
    names = {
        dotted((*part.setting, number)): title
        for part in page.parts
        if isinstance(part, Mapped) and part.fill
        for number, (title, _group, _group_title) in _listed(part, account).items()
    }
    return {**form, **{name: title for name, title in names.items() if not form.get(name, "").strip()}}


# What a form shows.


def _listed(part: Mapped, account: Account | None) -> dict[int, tuple[str, int | None, str]]:
    """Id -> name, number and name of the group."""
    if account is None:
        return {}
    if part.of == "statuses":
        return {
            status.status_id: (status.name, status.group_id, status.group or "")
            for status in account.statuses
        }
    return {number: (name, None, "") for number, name in (account.managers or {}).items()}


@dataclass(frozen=True)
class ShownField:
    """A setting as its form shows it.

    Attributes:
        field: The setting.
        name: Name of the field.
        value: What stands in it; of a tick `on` or nothing.
        default: What holds while it is empty.
        problem: What is wrong with it.
    """

    field: SettingField
    name: str
    value: str
    default: str
    problem: str


@dataclass(frozen=True)
class ShownEntry:
    """One line of a mapping.

    Attributes:
        name: Name of the field.
        number: KeyCRM's id.
        title: KeyCRM's name; None when KeyCRM does not list it.
        group: Number of its group; None without one.
        value: What stands in it.
        default: What holds while it is empty.
        problem: What is wrong with it.
        is_ticked: Whether it is chosen, for a list with ticks.
    """

    name: str
    number: int
    title: str | None
    group: int | None
    value: str
    default: str
    problem: str
    is_ticked: bool = False


@dataclass(frozen=True)
class ShownMapping:
    """A mapping as its form shows it.

    Attributes:
        part: The setting.
        groups: Title of a group, empty without one -> its lines.
        suggestions: Names that are used already, then those of KeyCRM.
        choice: What is loaded, of statuses.
        choice_name: Name of the field that says whether all or the ticked ones are loaded.
        loads_all: Whether all are.
        choice_problem: What is wrong with that.
    """

    part: Mapped
    groups: Mapping[str, Sequence[ShownEntry]]
    suggestions: Sequence[str]
    choice: Chosen | None = None
    choice_name: str = ""
    loads_all: bool = False
    choice_problem: str = ""


@dataclass(frozen=True)
class ShownChoice:
    """What is chosen from a list for a payment method.

    Attributes:
        name: Name of the field.
        label: What is chosen.
        values: Value -> its name.
        value: What is chosen.
        problem: What is wrong with it.
    """

    name: str
    label: str
    values: Mapping[str, str]
    value: str
    problem: str


@dataclass(frozen=True)
class ShownMethods:
    """Payment methods as their form shows them.

    Attributes:
        part: The setting.
        lines: The account of each method, and what is chosen for it.
        suggestions: Accounts that are used already, then the names of the methods.
    """

    part: PaymentMethods
    lines: Sequence[tuple[ShownEntry, Sequence[ShownChoice]]]
    suggestions: Sequence[str]


@dataclass(frozen=True)
class ShownCategory:
    """A category with what it contains."""

    number: int
    name: str
    title: str | None
    is_ticked: bool
    children: Sequence[ShownCategory]


@dataclass(frozen=True)
class ShownTree:
    """A tree of categories as its form shows it."""

    part: Chosen
    roots: Sequence[ShownCategory]
    problem: str


@dataclass(frozen=True)
class ShownUsers:
    """Users of the accounting system as their form shows them.

    Attributes:
        part: The setting.
        entries: Name of the field, user, what stands in it.
        problem: What is wrong with one of them.
    """

    part: MappedUsers
    entries: Sequence[tuple[str, str, str]]
    problem: str


@dataclass(frozen=True)
class ShownOrganisation:
    """One legal entity as its form shows it."""

    place: int
    name: str
    yearly_limit: str
    is_default: bool
    is_removed: bool


@dataclass(frozen=True)
class ShownOrganisations:
    """Legal entities as their form shows them.

    Attributes:
        part: The setting.
        name: Beginning of the names of all fields.
        organisations: The legal entities.
        belonging: What belongs to them: setting -> fields, each with its name, what it is, and the chosen place.
        new: Name of one to add.
    """

    part: Organisations
    name: str
    organisations: Sequence[ShownOrganisation]
    belonging: Mapping[str, Sequence[tuple[str, str, str]]]
    new: str


ShownPart = ShownField | ShownMapping | ShownMethods | ShownTree | ShownUsers | ShownOrganisations


def shown_groups(
    page: SettingPage,
    file: ProfileFile,
    account: Account | None,
    entered: Entered | None = None,
    problems: Mapping[str, str] | None = None,
) -> list[tuple[SettingGroup, list[ShownPart]]]:
    """The page's groups with what stands in each field.

    Args:
        page: The page.
        file: The profile's file, without mistakes.
        account: What KeyCRM lists; None when that is not known.
        entered: What somebody has entered, shown in place of what the file says.
        problems: Name of a field -> what is wrong with it.
    """
    form = _Form(file, account, entered or Entered({}, frozenset()), problems or {})
    return [(group, list(form.parts(group))) for group in page.groups]


@dataclass(frozen=True)
class _Form:
    file: ProfileFile
    account: Account | None
    entered: Entered
    problems: Mapping[str, str]

    def parts(self, group: SettingGroup) -> Iterator[ShownPart]:
        choice = next(
            (part for part in group.parts if isinstance(part, Chosen) and part.of == "statuses"), None
        )
        for part in group.parts:
            if isinstance(part, SettingField):
                yield self._field(part)
            elif isinstance(part, Mapped):
                yield self._mapping(part, choice if part.of == "statuses" else None)
            elif isinstance(part, PaymentMethods):
                yield self._methods(part)
            elif isinstance(part, MappedUsers):
                yield self._mapped_users(part)
            elif isinstance(part, Organisations):
                yield self._organisations(part)
            elif part.of == "categories":
                yield self._tree(part)

    def _problem(self, name: str) -> str:
        return self.problems.get(name, "")

    def _field(self, field: SettingField) -> ShownField:
        name = dotted(field.setting)
        value = self.entered.form.get(name, "") if self.entered.holds(name) else _stands(field, self.file)
        default = "" if field.setting == ("start_date",) else _shown(_effective(_DEFAULTS, field.setting))
        return ShownField(field, name, value, default.replace("\n", ", "), self._problem(name))

    def _mapping(self, part: Mapped, choice: Chosen | None) -> ShownMapping:
        listed = _listed(part, self.account)
        mapped: Mapping[int, str] = _effective(self.file.profile, part.setting)
        ticked = self._ticked(choice) if choice else ALL
        instead = self.file.profile.author
        unlisted = {*mapped, *(ticked if ticked != ALL else ())} - listed.keys()
        groups: dict[str, list[ShownEntry]] = {}
        order = sorted(listed, key=lambda number: listed[number][1] or 99) if choice else list(listed)
        for number in [*order, *sorted(unlisted)]:
            name = dotted((*part.setting, number))
            title, group, group_title = listed.get(number, (None, None, ""))
            value = self.entered.form.get(name, "") if self.entered.holds(name) else mapped.get(number, "")
            default = (title or "") if choice else instead
            is_ticked = ticked == ALL or number in ticked
            entry = ShownEntry(name, number, title, group, value, default, self._problem(name), is_ticked)
            groups.setdefault(group_title, []).append(entry)
        used = [*mapped.values(), *(title for title, _number, _group in listed.values())]
        choice_name = dotted(choice.setting) if choice else ""
        return ShownMapping(
            part,
            groups,
            list(dict.fromkeys(used)),
            choice,
            choice_name,
            self._loads_all(choice) if choice else False,
            self._problem(choice_name),
        )

    def _methods(self, part: PaymentMethods) -> ShownMethods:
        content, profile = self.file.settings, self.file.profile
        titles = dict(self.account.payment_methods) if self.account else {}
        proposed = self.account.proposed_kinds if self.account else {}
        accounts = profile.method_accounts
        lines = []
        for number in [*titles, *sorted({*accounts, *profile.payment_methods} - titles.keys())]:
            setting: Setting = (*part.setting, number, _ACCOUNT)
            if _at(content, (*part.short, number)) or (
                _at(content, part.short) and not _at(content, setting)
            ):
                setting = (*part.short, number)
            name = dotted(setting)
            value = self.entered.form.get(name, "") if self.entered.holds(name) else accounts.get(number, "")
            title = titles.get(number)
            entry = ShownEntry(name, number, title, None, value, profile.account, self._problem(name))
            choices = [
                self._choice((*part.setting, number, key), choice, proposed.get(number))
                for key, choice in part.choices.items()
                if key != "organisation" or profile.organisations
            ]
            lines.append((entry, choices))
        used = [profile.account, *accounts.values(), *titles.values()]
        return ShownMethods(part, lines, list(dict.fromkeys(used)))

    def _choice(self, setting: Setting, choice: MethodChoice, proposed: PaymentKind | None) -> ShownChoice:
        name = dotted(setting)
        values = {known: _(text) for known, text in choice.values.items()}
        if setting[-1] == "organisation":
            values |= {organisation: organisation for organisation in self.file.profile.organisations}
        elif setting[-1] == "kind" and proposed:
            values[""] += _(" (by its name: {kind})", kind=_(PAYMENT_KINDS[proposed]))
        value = (
            self.entered.form.get(name, "")
            if self.entered.holds(name)
            else _chosen_in(self.file.settings, setting)
        )
        return ShownChoice(name, _(choice.label), values, value, self._problem(name))

    def _entered(self, name: str, stands: str) -> str:
        return self.entered.form.get(name, "") if self.entered.holds(name) else stands

    def _mapped_users(self, part: MappedUsers) -> ShownUsers:
        mapped: Mapping[str, str] = _effective(self.file.profile, part.setting)
        entries = []
        for number, user in enumerate(_users(part, self.file)):
            name = dotted((*part.setting, number))
            entries.append((name, user, self._entered(name, mapped.get(user, ""))))
        return ShownUsers(part, entries, self._problem(dotted(part.setting)))

    def _organisations(self, part: Organisations) -> ShownOrganisations:
        name = dotted(part.setting)
        profile = self.file.profile
        organisations = profile.organisations
        default = next((str(place) for place, one in enumerate(organisations.values()) if one.default), "")
        chosen = self._entered(f"{name}.default", default)
        account = self.account
        titles: dict[str, dict[int, str]] = {
            "accounts": dict(enumerate(_accounts(self.file))),
            "payment_methods": dict(account.payment_methods) if account else {},
            "sources": dict(account.sources) if account else {},
        }
        belonging: dict[str, list[tuple[str, str, str]]] = {}
        for key, known in titles.items():
            places: dict[object, str] = {
                one: str(place)
                for place, organisation in enumerate(organisations.values())
                for one in getattr(organisation, key)
            }
            listed = [number for number in places if isinstance(number, int) and number not in known]
            for number, title in [*known.items(), *((number, f"№ {number}") for number in listed)]:
                method = profile.payment_methods.get(number) if key == "payment_methods" else None
                if method is not None and method.organisation is not None:
                    # Said at the payment method itself, with its account and kind.
                    continue
                field = f"{name}.{key}.{number}"
                stands = places.get(title if key == "accounts" else number, "")
                belonging.setdefault(key, []).append((field, title, self._entered(field, stands)))
        return ShownOrganisations(
            part,
            name,
            [
                ShownOrganisation(
                    place,
                    organisation,
                    self._entered(f"{name}.{place}.yearly_limit", _shown(one.yearly_limit)),
                    chosen == str(place),
                    self._entered(f"{name}.{place}.remove", "") == _ON,
                )
                for place, (organisation, one) in enumerate(organisations.items())
            ],
            belonging if organisations else {},
            self._entered(f"{name}.new", ""),
        )

    def _loads_all(self, choice: Chosen) -> bool:
        name = dotted(choice.setting)
        if self.entered.holds(name):
            return self.entered.form.get(name) != SELECTED
        return bool(_effective(self.file.profile, choice.setting) == ALL)

    def _ticked(self, part: Chosen) -> Any:
        """The ids that are ticked, or `all`."""
        name = dotted(part.setting)
        if self.entered.holds(name):
            return [number for number, text in _by_id(self.entered.form, name) if text == _ON]
        return _effective(self.file.profile, part.setting)

    def _tree(self, part: Chosen) -> ShownTree:
        ticked = set(self._ticked(part))
        categories = {one.category_id: one for one in (self.account.categories if self.account else ())}
        for number in sorted(ticked - categories.keys()):
            categories[number] = ListedCategory(number, "", None)
        children: dict[int | None, list[int]] = {}
        for number, category in categories.items():
            parent = category.parent_id if category.parent_id in categories else None
            children.setdefault(parent, []).append(number)
        placed: set[int] = set()

        def branch(numbers: Iterable[int]) -> list[ShownCategory]:
            found = []
            for number in numbers:
                if number in placed:
                    continue
                placed.add(number)
                found.append(
                    ShownCategory(
                        number,
                        dotted((*part.setting, number)),
                        categories[number].name or None,
                        number in ticked,
                        branch(children.get(number, ())),
                    )
                )
            return found

        roots = branch(children.get(None, ()))
        # Categories that contain each other have no root.
        roots += branch(categories)
        return ShownTree(part, roots, self._problem(dotted(part.setting)))


# What is wrong.


def problems_by_field(page: SettingPage, problems: Iterable[Problem]) -> tuple[dict[str, str], list[str]]:
    """Name of a field -> what is wrong with it, in the current language; and what is wrong elsewhere."""
    beside: dict[str, str] = {}
    elsewhere: list[str] = []
    for problem in problems:
        for part in page.parts:
            name = _name_of(part, problem.key)
            if name is None:
                continue
            if isinstance(part, Organisations):
                # What is wrong is often that two of them disagree.
                elsewhere.append(written(problem.message))
            else:
                # Of a mapping the entry is named, of everything else the setting.
                beside[problem.key if isinstance(part, Mapped | PaymentMethods) else name] = refused(
                    part.refusal
                )
            break
        else:
            # A mistake that no form can make is told as the file's own mistakes are.
            known = OF_OTHER_PAGES.get(problem.key.partition(".")[0])
            elsewhere.append(_(known) if known else written(problem.message))
    return beside, elsewhere


def problem_beside(page: SettingPage, error: NotEditableError) -> dict[str, str]:
    """The field of a setting that cannot be changed in its file -> why."""
    for part in page.parts:
        if _name_of(part, dotted(error.setting)) is not None:
            own = error.setting if isinstance(part, Mapped | PaymentMethods) else part.setting
            return {dotted(own): _(NOT_EDITABLE)}
    return {}


def _name_of(part: SettingPart, key: str) -> str | None:
    """The setting of a part that a key belongs to; None if it belongs to another part."""
    own = (part.setting, part.short) if isinstance(part, PaymentMethods) else (part.setting,)
    return next((name for name in map(dotted, own) if key == name or key.startswith(f"{name}.")), None)


def names_of(changes: Iterable[Setting]) -> frozenset[str]:
    """The fields in which settings were changed."""
    return frozenset(map(dotted, changes))
