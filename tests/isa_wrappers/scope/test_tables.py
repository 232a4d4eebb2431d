"""Scopes as tables."""

from isa_wrappers import InfluenceScope, scope_table


def test_table_names_agents_actions_and_dimensions():
    scope = InfluenceScope(
        ("red", "blue"),
        InfluenceScope.from_dimensions({"r": [[], [0], [2]], "b": [[], [1], [2]]}, 3).influence * 0.75,
        0.3,
        (3, 3),
        ("red.x", "blue.x", "bullets"),
        ("stay", "move", "shoot"),
    )
    lines = scope_table(scope).splitlines()
    assert "2 agents" in lines[0]
    assert "delta 0.3" in lines[0]
    assert lines[1] == "red: D_i = red.x, bullets; special = red.x"
    assert lines[2].split()[:3] == ["stay", "->", "-"]
    assert lines[3].split()[:3] == ["move", "->", "red.x"]
    assert "0.75" in lines[3]
    assert lines[4].split()[:3] == ["shoot", "->", "bullets"]
    assert lines[5] == "blue: D_i = blue.x, bullets; special = blue.x"
    assert lines[-1] == "common D_c = bullets"


def test_table_without_names_falls_back_to_numbers():
    text = scope_table(InfluenceScope.from_dimensions({"a": [[], [1]], "b": [[], [1]]}, 2))
    assert "2 dimensions (numbered, as there are no state_names), delta" in text
    assert "common D_c = dimension 1" in text
    assert text.splitlines()[3].split()[:4] == ["1", "->", "dimension", "1"]
    assert scope_table(InfluenceScope.from_dimensions({"a": [[]]}, 0)).endswith("common D_c = -")


def test_the_table_says_what_is_compared_with_what():
    scope = InfluenceScope.from_dimensions({"a": [[], [1]], "b": [[], [1]]}, 2)
    assert scope_table(scope).splitlines()[0].endswith("delta 0 on normalised mutual information")
    assert "delta 0.25 to 0.5 on" in scope_table(scope.with_delta([0.25, 0.5]))


def team(size, idle=()):
    return InfluenceScope.from_dimensions({f"a{i}": [[], [] if i in idle else [i]] for i in range(size)}, size)


def test_of_a_large_team_a_few_are_told_and_the_others_in_a_line():
    text = scope_table(team(100, idle=(2, 7, 90)))
    assert len(text.splitlines()) < 20
    assert "96 more agents: 0 to 1 dimensions each; nothing: a7, a90;" in text
    assert "96 more agents: 1 dimensions each; --json lists all" in scope_table(team(100))
    assert "a4, a5, a6, a7 and 93 more" not in scope_table(team(100, idle=range(100)))
    assert "nothing: a4, a5, a6, a7 and 92 more" in scope_table(team(100, idle=range(100)))
    assert scope_table(team(16)).count("D_i") == 16
