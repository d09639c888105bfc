"""Reviews: one per delivered line, by its buyer; averages kept as they are written."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, DomainError, InvalidInput, NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.core.pagination import Page, after_moment, page_by_moment
from gosellr.models.catalogue_names import offers_changed
from gosellr.models.events import Fact, FactType
from gosellr.models.review_values import Review
from gosellr.queries import locks, outbox, product_cards, reviews
from gosellr.queries.reviews import BoughtLine
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.reviews import (
    RatingAggregate,
    ReviewRefusal,
    ReviewTextInvalid,
    clean_text,
    clean_title,
    review_refusal,
)
from gosellr.utils.viewer import Viewer


class OwnProduct(NotAllowed):
    """Sellers don't rate their own goods."""

    code = "own_product"
    title = "You sell this product yourself"


class NotDelivered(Conflict):
    """The person didn't buy the product, or it hasn't arrived."""

    code = "not_delivered"
    title = "A review can be written once the product was delivered to you"


class AlreadyReviewed(Conflict):
    """Each delivered line is reviewed once."""

    code = "already_reviewed"
    title = "You have reviewed this already"


class WindowClosed(Conflict):
    """It arrived too long ago."""

    code = "window_closed"
    title = "The time to review this has passed"


_REFUSALS: dict[ReviewRefusal, type[DomainError]] = {
    ReviewRefusal.OWN_PRODUCT: OwnProduct,
    ReviewRefusal.NOT_DELIVERED: NotDelivered,
    ReviewRefusal.ALREADY_REVIEWED: AlreadyReviewed,
    ReviewRefusal.WINDOW_CLOSED: WindowClosed,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReview:
    """What a buyer says, about one line of theirs or about any."""

    rating: int
    title: str = ""
    body: str = ""
    order_line_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPage:
    """A page of reviews, and the rating that all of them make."""

    page: Page[Review]
    rating: RatingAggregate


async def post_review(
    connection: Connection, *, viewer: Viewer, product_id: UUID, review: NewReview, now: datetime
) -> Review:
    """Write a review of a delivered line; without a line, of one that has none yet.

    Raises:
        NotFound: there is no such product, or the line isn't the caller's.
        OwnProduct, NotDelivered, AlreadyReviewed, WindowClosed, InvalidInput.
    """
    product = await reviews.product(connection, product_id=product_id)
    if product is None:
        raise NotFound
    bought = await reviews.lines_of_buyer(
        connection,
        user_id=viewer.user_id,
        order_token_hash=viewer.order_token_hash,
        product_id=product_id,
        order_line_id=review.order_line_id,
    )
    if not bought and (review.order_line_id is not None or not product.is_public):
        raise NotFound
    line = _reviewable(bought, is_own=product.seller_id in viewer.memberships, now=now)
    title, body = _cleaned(review)
    await locks.listings(connection, product_ids=[product_id])
    written = Review(
        id=new_id(),
        rating=review.rating,
        title=title,
        body=body,
        author_name=shown_name(line.name or ""),
        created_at=now,
    )
    if not await reviews.insert(
        connection,
        review={
            "id": written.id,
            "product_id": product_id,
            "seller_id": line.seller_id,
            "order_line_id": line.id,
            "user_id": viewer.user_id,
            "author_name": written.author_name,
            "rating": written.rating,
            "title": written.title,
            "body": written.body,
            "created_at": now,
        },
    ):
        raise AlreadyReviewed
    shown = await product_cards.refresh_cards(connection, [product_id], now)
    about = {
        "product_id": str(product_id),
        "seller_id": str(line.seller_id),
        "rating": written.rating,
    }
    facts = [Fact(FactType.REVIEW_POSTED, written.id, about), *offers_changed(product_id, shown)]
    await outbox.append(connection, facts, now=now)
    return written


def _reviewable(bought: Sequence[BoughtLine], *, is_own: bool, now: datetime) -> BoughtLine:
    """The first line that may be reviewed, or why none may."""
    refusals = []
    for line in bought:
        refusal = review_refusal(
            delivered_at=line.delivered_at,
            already_reviewed=line.reviewed,
            now=now,
            is_seller_member=is_own,
        )
        if refusal is None:
            return line
        refusals.append(refusal)
    if is_own:
        raise OwnProduct
    # Of several reasons, the one that was closest to a yes.
    closest = [one for one in refusals if one is not ReviewRefusal.NOT_DELIVERED]
    raise _REFUSALS[closest[0] if closest else ReviewRefusal.NOT_DELIVERED]


def _cleaned(review: NewReview) -> tuple[str, str]:
    field = "title"
    try:
        title = clean_title(review.title)
        field = "body"
        return title, clean_text(review.body)
    except ReviewTextInvalid as error:
        raise InvalidInput.at(field, error.code, str(error)) from error


def shown_name(name: str) -> str:
    """A person's name as strangers read it: the first name, and one letter of the last."""
    words = name.split()
    if not words:
        return "A buyer"
    return words[0] if len(words) == 1 else f"{words[0]} {words[-1][0]}."


async def list_reviews(
    connection: Connection, *, product_id: UUID, limit: int, cursor: str | None
) -> ReviewPage:
    """Reviews of a product on sale, newest first.

    Raises:
        NotFound: there is no such product on sale.
        InvalidInput: the cursor isn't one of ours.
    """
    after = after_moment(cursor)
    product = await reviews.product(connection, product_id=product_id)
    if product is None or not product.is_public:
        raise NotFound
    found = await reviews.page(connection, product_id=product_id, after=after, limit=limit + 1)
    return ReviewPage(
        page=page_by_moment(found, limit=limit, key_of=lambda one: (one.created_at, one.id)),
        rating=RatingAggregate(product.rating_count, product.rating_sum),
    )
