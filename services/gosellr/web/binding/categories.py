"""The tree of categories as pages use it: its row on top, its way down to one of them."""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.web.assets import Assets
from gosellr.web.binding.attributes import Rule, Rules, agreed, rules_of
from gosellr.web.binding.pictures import hue_of, named_picture
from gosellr.web.views import CategoryView, LinkView

_ROW_MAX = 12


class Node(Protocol):
    """A category of the tree."""

    @property
    def id(self) -> UUID: ...
    @property
    def parent_id(self) -> UUID | None: ...
    @property
    def name(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def picture(self) -> str | None: ...
    @property
    def product_count(self) -> int: ...
    @property
    def rules(self) -> list[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class Branch:
    """A category with its way from the root and those right below it that sell something.

    `rules` tell how attributes read there: its own and inherited ones, then everybody's, as goods
    of the categories below it stand in its list as well.
    """

    name: str
    path: str
    count: int
    breadcrumb: tuple[LinkView, ...]
    children: tuple[LinkView, ...]
    rules: Rules


@dataclass(frozen=True, slots=True)
class CategoryTree:
    """All categories by path; `roots` are those on top that sell something.

    `rules` are those that all categories with such an attribute agree on.
    """

    roots: tuple[CategoryView, ...]
    branches: dict[str, Branch]
    rules: Rules

    @classmethod
    def of(cls, nodes: Sequence[Node], assets: Assets) -> "CategoryTree":
        """Build it from nodes of which every parent stands before its children."""
        by_id = {node.id: node for node in nodes}
        children: dict[UUID, list[Node]] = {}
        own = {node.id: rules_of(node.rules) for node in nodes}
        rules = agreed(rule for of_one in own.values() for rule in of_one.values())
        for node in nodes:
            if node.parent_id is not None and node.product_count:
                children.setdefault(node.parent_id, []).append(node)
        branches = {
            node.path: Branch(
                name=node.name,
                path=node.path,
                count=node.product_count,
                breadcrumb=tuple(_link(one) for one in _way(node, by_id)),
                children=tuple(_link(child) for child in children.get(node.id, ())),
                rules={**rules, **_inherited(_way(node, by_id), own)},
            )
            for node in nodes
        }
        roots = tuple(
            CategoryView(
                name=node.name,
                href=category_href(node.path),
                picture=named_picture(node.picture, assets, hue=hue_of(node.path)),
            )
            for node in nodes
            if node.parent_id is None and node.product_count
        )
        return cls(roots[:_ROW_MAX], branches, rules)

    def rules_at(self, path: str) -> Rules:
        """How attributes read in this category; of one unknown as yet, nothing is known."""
        branch = self.branches.get(path)
        return branch.rules if branch else {}

    def marked(self, path: str) -> tuple[CategoryView, ...]:
        """The row on top, with the one that holds this address marked."""
        return tuple(
            replace(root, current=path == root.href or path.startswith(f"{root.href}/"))
            for root in self.roots
        )


def category_href(path: str) -> str:
    """The address of a category's page."""
    return f"/c/{path}"


def _link(node: Node) -> LinkView:
    return LinkView(node.name, category_href(node.path))


def _inherited(way: Sequence[Node], own: dict[UUID, dict[str, Rule]]) -> Rules:
    return {key: rule for node in way for key, rule in own[node.id].items()}


def _way(node: Node, by_id: dict[UUID, Node]) -> list[Node]:
    way = [node]
    while (parent_id := way[0].parent_id) is not None and parent_id in by_id:
        way.insert(0, by_id[parent_id])
    return way
