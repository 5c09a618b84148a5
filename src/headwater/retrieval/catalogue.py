"""The stages that the API knows and this deployment has not: what they are for, so that clients can show them."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.retrieval.stage import Category


@dataclass(frozen=True)
class StageDescription:
    stage_id: str
    category: Category
    description: str
    icon: str


_ROWS: tuple[tuple[str, Category, str, str], ...] = (
    ("feature_search", "filter", "Find documents by their vectors or words.", "search"),
    ("attribute_filter", "filter", "Keep documents whose fields match conditions.", "filter"),
    ("llm_filter", "filter", "Keep documents that a language model finds fitting.", "brain"),
    ("query_expand", "filter", "Search by a query and by rewordings of it.", "git-branch"),
    ("agent_search", "filter", "Let a language model search in several steps.", "bot"),
    ("sort_relevance", "sort", "Sort by score.", "arrow-down-wide-narrow"),
    ("sort_attribute", "sort", "Sort by a field.", "arrow-down-a-z"),
    ("mmr", "sort", "Weigh relevance against likeness to what was picked before.", "shuffle"),
    ("rerank", "sort", "Score the leading rows anew by reading query and text together.", "list-ordered"),
    ("maxsim_rerank", "sort", "Score anew by the vectors of single words.", "grid-3x3"),
    ("score_normalize", "sort", "Bring scores to a common scale.", "scale"),
    ("limit", "reduce", "Keep the first rows.", "scissors"),
    ("deduplicate", "reduce", "Keep one of rows that are the same.", "copy-minus"),
    ("sample", "reduce", "Keep some rows, by chance or evenly.", "dices"),
    ("aggregate", "reduce", "Counts, sums and other figures over the rows.", "sigma"),
    ("group_by", "reduce", "Gather rows that have the same value in a field.", "group"),
    ("cluster", "reduce", "Gather rows whose vectors are close.", "circle-dot"),
    ("summarize", "reduce", "Let a language model summarize the rows.", "file-text"),
    ("moment_group", "reduce", "Join hits of one recording to moments.", "clock"),
    ("json_transform", "apply", "Make a new object of each row.", "braces"),
    ("rag_prepare", "apply", "Make a context with citations for a language model.", "quote"),
    ("unwind", "apply", "A row for each element of an array.", "unfold-vertical"),
    ("cross_compare", "apply", "Compare rows with the documents of another collection.", "diff"),
    ("api_call", "apply", "Ask an HTTP service about each row.", "plug"),
    ("web_scrape", "apply", "Read the web page that a row names.", "globe"),
    ("sql_lookup", "apply", "Look rows up in a database.", "database"),
    ("external_web_search", "apply", "Add results of a web search.", "globe"),
    ("external_reverse_image", "apply", "Find where an image stands on the web.", "image"),
    ("code_execution", "enrich", "Run code of your own over the rows.", "code"),
    ("document_enrich", "enrich", "Add fields of documents of another collection.", "merge"),
    ("taxonomy_enrich", "enrich", "Add the place of each row in a taxonomy.", "tags"),
    ("llm_enrich", "enrich", "Let a language model add a field.", "sparkles"),
    ("agentic_enrich", "enrich", "Let a language model classify rows in several steps.", "bot"),
)

#: Every stage by its id, in the order of the catalogue.
DESCRIPTIONS = {stage_id: StageDescription(stage_id, *row) for stage_id, *row in _ROWS}  # type: ignore[arg-type]

#: Names that stages had, or have in guides.
FORMER_IDS = {
    "semantic_search": "feature_search",
    "hybrid_search": "feature_search",
    "knn_search": "feature_search",
    "vector_search": "feature_search",
    "feature_filter": "feature_search",
    "visual_search": "feature_search",
    "federated_search": "feature_search",
    "structured_filter": "attribute_filter",
    "filter": "attribute_filter",
    "web_search": "external_web_search",
    "llm_enrichment": "llm_enrich",
    "llm_generation": "llm_enrich",
    "taxonomy": "taxonomy_enrich",
    "taxonomy_join": "taxonomy_enrich",
    "join": "document_enrich",
    "sort": "sort_attribute",
}
