"""One guard stands before all of the operator's pages."""

from gosellr.core.route_policy import api_routes, policies_of
from gosellr.web.operator.frame import AdmitStaff
from tests.api.matrix.routes import bare_application


def test_every_page_of_the_operator_has_the_guard() -> None:
    pages = [
        (str(one.path), sorted(one.methods or ()), list(policies_of(one)))
        for one in api_routes(bare_application())
        if str(one.path).startswith("/operator")
    ]
    assert len(pages) > 60
    unguarded = [
        (path, methods)
        for path, methods, held in pages
        if not held or not all(isinstance(one, AdmitStaff) for one in held)
    ]
    assert unguarded == []
