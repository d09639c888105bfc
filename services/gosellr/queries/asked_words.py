"""The words of a search: how they are found in the index of cards, and which of them are common."""

from typing import Final

from gosellr.core.db import Connection

# The words as they were typed, or in another way of writing whose words some card has: an index
# finds rows that have this or that by reading all that have a part of either, where it finds rows
# that have all of it by the rarest. What nothing has is looked up among the words themselves: in
# the index of cards each question would read the list of what waits for it.
_WHOLE = """websearch_to_tsquery('market', (
    SELECT string_agg(way.words, ' or ' ORDER BY way.place)
    FROM unnest({0}::text[]) WITH ORDINALITY AS way (words, place)
    WHERE way.place = 1 OR NOT EXISTS (
        SELECT FROM unnest(tsvector_to_array(to_tsvector('market', way.words))) AS part (lexeme)
        WHERE part.lexeme !~ '[0-9]'
          AND NOT EXISTS (SELECT FROM search_lexeme WHERE search_lexeme.lexeme = part.lexeme))
))"""

# The words; where a tsquery of the last word's beginning is given, that and what stands before it.
ASKED = f"""
chosen AS MATERIALIZED (
    SELECT CASE WHEN {{2}}::text IS NULL THEN {_WHOLE}
           ELSE websearch_to_tsquery('market', {{1}}) && to_tsquery('market', {{2}}) END AS words,
           NULL::text AS corrected
)"""

# The same where something is filtered: the last word is a beginning where no product on sale has
# the words, not where the filters leave none.
ASKED_FILTERED = f"""
asked AS MATERIALIZED (
    SELECT {_WHOLE} AS whole,
           websearch_to_tsquery('market', {{1}}) && to_tsquery('market', {{2}}) AS begun
), chosen AS MATERIALIZED (
    SELECT CASE WHEN asked.begun IS NULL OR EXISTS (
               SELECT FROM product_card AS card
               WHERE card.visible AND card.search_vector @@ asked.whole)
           THEN asked.whole ELSE asked.begun END AS words,
           NULL::text AS corrected
    FROM asked
)"""

# Words that no product on sale has become the likest ones of a title or a brand, or go. The
# index finds what is like enough by a setting, so a word is only looked up behind it. Trigrams
# think little of swapped letters, the commonest slip: the same letters come first. Any other wrong
# letter spoils three of n + 1 trigrams, so that (n - 2) / (n + 4) of all remain in common.
CORRECTED = """
typed AS MATERIALIZED (
    SELECT typed.word, typed.place, typed.threshold,
           numnode(plainto_tsquery('market', typed.word)) = 0 OR EXISTS (
               SELECT FROM product_card AS card WHERE card.visible
                 AND card.search_vector @@ plainto_tsquery('market', typed.word)) AS known,
           set_config('pg_trgm.similarity_threshold', {2}::text, true) AS loosened
    FROM unnest({0}::text[], {1}::float8[]) WITH ORDINALITY AS typed (word, threshold, place)
), spelt AS MATERIALIZED (
    SELECT typed.place, typed.known,
           CASE WHEN typed.known THEN typed.word ELSE likest.word END AS word
    FROM typed LEFT JOIN LATERAL (
        SELECT near.word
        FROM (
            SELECT guess.* FROM (
                SELECT search_word.word, similarity(typed.word, search_word.word) AS likeness,
                       length(search_word.word) = length(typed.word)
                       AND ARRAY(SELECT unnest(string_to_array(search_word.word, NULL)) ORDER BY 1)
                           = ARRAY(SELECT unnest(string_to_array(typed.word, NULL)) ORDER BY 1)
                           AS swapped
                FROM search_word
                WHERE NOT typed.known AND typed.threshold IS NOT NULL
                  AND typed.loosened IS NOT NULL AND search_word.word % typed.word
                OFFSET 0
            ) AS guess
            WHERE guess.likeness > CASE WHEN guess.swapped THEN typed.threshold
                  ELSE least(0.5, (length(typed.word) - 2.0) / (length(typed.word) + 4)) END - 0.001
            ORDER BY guess.swapped DESC, guess.likeness DESC,
                     abs(length(guess.word) - length(typed.word)), guess.word
            LIMIT 8
        ) AS near
        CROSS JOIN LATERAL (
            SELECT count(*) AS cards FROM product_card AS card
            WHERE card.visible AND card.search_vector @@ plainto_tsquery('market', near.word)
        ) AS sold
        WHERE sold.cards > 0
        ORDER BY near.swapped DESC, near.likeness DESC, abs(length(near.word) - length(typed.word)),
                 sold.cards DESC, near.word
        LIMIT 1
    ) AS likest ON true
), chosen AS MATERIALIZED (
    SELECT plainto_tsquery('market', query.text) AS words, query.text AS corrected
    FROM (
        SELECT string_agg(spelt.word, ' ' ORDER BY spelt.place) AS text FROM spelt
        HAVING NOT bool_and(spelt.known)
    ) AS query
)"""

WORDS = "(SELECT chosen.words FROM chosen)"

# An index that is asked for all words at once reads where each of them stands, however rare the
# first one is. Asked for each by itself it looks for the next only where the one before was found.
# So the rarest come first, and what is left beyond so many is asked for together. What holds `or`,
# `not` or a phrase is one question; where there are fewer than expected, nothing is forbidden.
APART_MAX: Final = 5
# Where little is on sale no list of a word is long, and to sort the words costs more than it
# saves. Counting is the planner's, whenever it counts the cards.
LARGE_FROM: Final = 200_000
IS_LARGE = f"""(SELECT counted.reltuples >= {LARGE_FROM} FROM pg_class AS counted
        WHERE counted.oid = 'product_card'::regclass)"""
_NOTHING = "$$!' '$$"


def apart(questions: int) -> str:
    """SQL of the table of questions that `has_words` asks; nothing where all words are one."""
    if questions == 1:
        return ""
    return """
apart AS MATERIALIZED (
    SELECT array_agg(part.words ORDER BY coalesce(known.cards, 0), part.place) AS words
    FROM chosen
    CROSS JOIN LATERAL unnest(
        CASE WHEN chosen.words::text ~ '[|!<(]' THEN ARRAY[chosen.words::text]
             ELSE string_to_array(chosen.words::text, ' & ') END
    ) WITH ORDINALITY AS part (words, place)
    LEFT JOIN search_lexeme AS known ON known.lexeme = btrim(part.words, '''')
), """


def has_words(questions: int) -> str:
    """SQL for a card that has the words, asked for by so many questions."""
    if questions == 1:
        return f"card.search_vector @@ {WORDS}"
    asked = [
        "apart.words[1]",
        *(f"coalesce(apart.words[{place}], {_NOTHING})" for place in range(2, questions)),
        f"""coalesce(nullif(array_to_string(apart.words[{questions}:], ' & '), ''), {_NOTHING})""",
    ]
    return "\n      AND ".join(
        f"card.search_vector @@ (SELECT {each}::tsquery FROM apart)" for each in asked
    )


# The planner counts the words that many cards have whenever it counts the cards.
COUNT_WORDS = """
WITH counted AS (
    SELECT told.lexeme, round(told.share * size.cards)::bigint AS cards
    FROM pg_stats AS stats
    CROSS JOIN LATERAL unnest(stats.most_common_elems::text::text[],
                              stats.most_common_elem_freqs) AS told (lexeme, share)
    CROSS JOIN (SELECT greatest(reltuples, 0) AS cards FROM pg_class
                WHERE oid = 'product_card'::regclass) AS size
    WHERE stats.schemaname = 'gosellr' AND stats.tablename = 'product_card'
      AND stats.attname = 'search_vector' AND told.lexeme IS NOT NULL
)
UPDATE search_lexeme AS known SET cards = counted.cards
FROM counted
WHERE known.lexeme = counted.lexeme AND abs(known.cards - counted.cards) * 10 > known.cards
"""


async def count_words(connection: Connection) -> None:
    """Learn anew how many cards have each of the common words, where that has changed much."""
    await connection.execute(COUNT_WORDS)
