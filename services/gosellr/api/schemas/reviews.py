"""Reviews as they are written and read."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from gosellr.api.schemas.common import AnswerModel, Moment, NoCard, RequestModel, line, lines
from gosellr.models.review_values import Review
from gosellr.services.review_service import NewReview, ReviewPage
from gosellr.utils.reviews import RatingAggregate

Document = dict[str, Any]


class ReviewCreate(RequestModel):
    """What a buyer says of a product; without an item, of one that arrived and has no review."""

    rating: Annotated[int, Field(strict=True, ge=1, le=5)]
    title: Annotated[str, line(120, min_length=0), NoCard] = ""
    body: Annotated[str, lines(5000), NoCard] = ""
    order_item_id: UUID | None = None

    def review(self) -> NewReview:
        """The same as the service reads it."""
        return NewReview(
            rating=self.rating,
            title=self.title,
            body=self.body,
            order_line_id=self.order_item_id,
        )


class ReviewOut(AnswerModel):
    """A review. All are of delivered goods."""

    id: UUID
    product_id: UUID
    rating: int
    title: str
    body: str
    author: str
    created_at: Moment


class ReviewRatingOut(AnswerModel):
    """The mean of all ratings from 1 to 5; zero where there are none."""

    average: float
    count: int


class ReviewListOut(AnswerModel):
    """Reviews, newest first, and the rating that all of them make."""

    items: list[ReviewOut]
    next_cursor: str | None
    rating: ReviewRatingOut


def review_document(review: Review, *, product_id: UUID) -> Document:
    """A review."""
    return {
        "id": review.id,
        "product_id": product_id,
        "rating": review.rating,
        "title": review.title,
        "body": review.body,
        "author": review.author_name,
        "created_at": review.created_at,
    }


def review_list_document(listed: ReviewPage, *, product_id: UUID) -> Document:
    """A page of reviews."""
    return {
        "items": [review_document(one, product_id=product_id) for one in listed.page.items],
        "next_cursor": listed.page.next_cursor,
        "rating": _rating(listed.rating),
    }


def _rating(rating: RatingAggregate) -> Document:
    return {"average": (rating.average_hundredths() or 0) / 100, "count": rating.count}
