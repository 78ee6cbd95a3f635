"""The recipes in the docs: each is a right file, and what its own tests say is so."""

from __future__ import annotations

import re

import pytest

from relay.settings import Config, check_config
from relay.wiring.route_tests import run_tests
from tests.harness import ROOT

PAGE = (ROOT / "docs" / "recipes.md").read_text()
RECIPES = dict(zip(re.findall(r"(?m)^## \d\. (.*)$", PAGE), re.findall(r"(?ms)^```yaml\n(.*?)^```", PAGE), strict=True))


@pytest.fixture(params=RECIPES)
def recipe(request: pytest.FixtureRequest) -> Config:
    config, findings = check_config(RECIPES[request.param], "recipe", run_tests)
    assert findings == []
    assert config is not None
    return config


def test_a_recipe_is_a_right_file_and_its_tests_pass(recipe: Config) -> None:
    assert recipe.default_channel


def test_a_recipe_of_routes_brings_tests_of_its_routes(recipe: Config) -> None:
    """Every route is met by one of them."""
    assert {route.name for route in recipe.routes} <= {test.route for test in recipe.tests}
