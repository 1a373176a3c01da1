"""Graphs: routes, trees, components, flows, orders and colourings."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from base_gtm.teachers.executable.kit import Like, Part, Refused, Result, Wrong, pick, tool

if TYPE_CHECKING:
    import networkx

_NODES = (
    tuple("ABCDEFGH"),
    ("Aarhus", "Bergen", "Cork", "Dijon", "Essen", "Faro", "Graz"),
    ("web", "api", "auth", "cache", "db", "queue", "mail"),
    ("s1", "s2", "s3", "s4", "s5", "s6"),
    ("Ana", "Ben", "Cleo", "Dev", "Eli", "Fay", "Gus", "Hana"),
)
_NAME = "[A-Za-z0-9_]{1,20}"
_MISSING = pick("nowhere", "Z_99", "unlisted", "Atlantis")


class WeightedEdge(Part):
    source: str = Field(pattern=f"^{_NAME}$", description="Node at one end")
    target: str = Field(pattern=f"^{_NAME}$", description="Node at the other end")
    weight: float = Field(gt=0, le=1e6, description="Length, cost or capacity")


def _pairs(rng: Random, most: int) -> tuple[list[str], list[tuple[str, str]]]:
    """Nodes, and pairs of them that hang together: a random tree and some more."""
    names = list(rng.choice(_NODES))
    nodes = rng.sample(names, rng.randint(4, min(most, len(names))))
    tree = [(nodes[rng.randrange(at)], nodes[at]) for at in range(1, len(nodes))]
    joined = {frozenset(pair) for pair in tree}
    spare = [
        (one, other)
        for at, one in enumerate(nodes)
        for other in nodes[at + 1 :]
        if frozenset((one, other)) not in joined
    ]
    more = rng.sample(spare, min(len(spare), rng.randint(1, len(nodes))))
    return nodes, tree + more


def _weighted(rng: Random, pairs: list[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"source": one, "target": other, "weight": rng.randint(1, 20)} for one, other in pairs]


def _edges_draw(rng: Random) -> list[dict[str, Any]]:
    return _weighted(rng, _pairs(rng, 7)[1])


def _route_draw(rng: Random) -> dict[str, Any]:
    nodes, pairs = _pairs(rng, 7)
    return {"edges": _weighted(rng, pairs), "start": nodes[0], "goal": rng.choice(nodes[1:])}


def _links_draw(rng: Random) -> list[str]:
    """A graph, in one piece or in two."""
    pairs = _pairs(rng, 8)[1]
    if rng.random() < 0.4:
        pairs = [pair for pair in pairs if rng.random() < 0.6] or pairs
    return [f"{one}-{other}" for one, other in pairs]


def _two_sided_draw(rng: Random) -> list[str]:
    """A graph that mostly falls into two sides."""
    nodes, pairs = _pairs(rng, 8)
    if rng.random() < 0.6:
        left = set(nodes[::2])
        pairs = [pair for pair in pairs if (pair[0] in left) != (pair[1] in left)] or pairs[:1]
    return [f"{one}-{other}" for one, other in pairs]


Edges = Annotated[
    list[WeightedEdge], Field(min_length=1, max_length=60, description="Edges with weights"), Like(_edges_draw)
]
Links = Annotated[
    list[Annotated[str, Field(pattern=f"^{_NAME}-{_NAME}$", description="Two nodes, such as A-B")]],
    Field(min_length=1, max_length=100, description="Undirected edges as pairs of node names"),
    Like(_links_draw),
]


def _network(edges: list[WeightedEdge], directed: bool) -> networkx.Graph:
    """The cheapest of parallel edges counts."""
    import networkx

    graph = networkx.DiGraph() if directed else networkx.Graph()
    for edge in edges:
        known = graph.get_edge_data(edge.source, edge.target, {"weight": edge.weight})
        graph.add_edge(edge.source, edge.target, weight=min(edge.weight, known["weight"]))
    return graph


def _linked(links: list[str], loops: bool = True) -> networkx.Graph:
    import networkx

    graph = networkx.Graph(tuple(link.split("-")) for link in links)
    if not loops:
        graph.remove_edges_from(list(networkx.selfloop_edges(graph)))
    return graph


def _require(graph: networkx.Graph, parameter: str, node: str) -> None:
    if node not in graph:
        raise Refused(f"parameter '{parameter}': there is no node '{node}'; give one of {', '.join(sorted(graph))}")


class Route(Result):
    path: list[str] = Field(description="Nodes from start to goal")
    length: float = Field(description="Weights along the path together")
    hops: int = Field(description="Edges along the path")


@tool(
    "Graphs",
    "Routes and flows",
    "What is the shortest way from {start} to {goal}? The roads: {edges}.",
    "Shortest path {start} to {goal}; edges {edges}; one-way: {directed}.",
    together=_route_draw,
)
def shortest_graph_path(
    edges: Edges,
    start: Annotated[
        str, Field(min_length=1, max_length=20, description="Node to start from"), Like(pick("A")), Wrong(_MISSING)
    ],
    goal: Annotated[
        str, Field(min_length=1, max_length=20, description="Node to reach"), Like(pick("B")), Wrong(_MISSING)
    ],
    directed: Annotated[
        bool, Field(description="Whether edges lead from source to target only"), Like(pick(False, True), given=0.2)
    ] = False,
) -> Route:
    """Shortest path between two nodes by Dijkstra's algorithm."""
    import networkx

    graph = _network(edges, directed)
    _require(graph, "start", start)
    _require(graph, "goal", goal)
    try:
        length, path = networkx.single_source_dijkstra(graph, start, goal)
    except networkx.NetworkXNoPath:
        raise Refused(
            f"parameter 'goal': no path leads from '{start}' to '{goal}'; add an edge that joins them or "
            "give another goal"
        ) from None
    return Route(path=path, length=round(length, 6), hops=len(path) - 1)


class SpanningTree(Result):
    edges: list[WeightedEdge] = Field(description="Edges of the tree, lightest first")
    total_weight: float = Field(description="Weights of the tree together")
    left_out: int = Field(description="Edges given that the tree does without")


@tool(
    "Graphs",
    "Trees and components",
    "Which of these cables connect everything most cheaply? {edges}",
    "Minimum spanning tree of {edges}, please.",
)
def minimum_spanning_tree(
    edges: Annotated[
        list[WeightedEdge],
        Field(min_length=1, max_length=60, description="Undirected edges of a connected graph"),
        Like(_edges_draw),
        Wrong(
            lambda rng: [
                {"source": "A", "target": "B", "weight": rng.randint(1, 9)},
                {"source": "B", "target": "C", "weight": rng.randint(1, 9)},
                {"source": "X", "target": "Y", "weight": rng.randint(1, 9)},
            ]
        ),
    ],
) -> SpanningTree:
    """Minimum spanning tree by Kruskal's algorithm."""
    import networkx

    graph = _network(edges, directed=False)
    pieces = sorted(min(piece) for piece in networkx.connected_components(graph))
    if len(pieces) > 1:
        raise Refused(
            f"parameter 'edges': the graph falls into {len(pieces)} pieces, no edge joins those of "
            f"{' and '.join(pieces)}; add edges between them"
        )
    kept = [
        WeightedEdge(source=one, target=other, weight=held["weight"])
        for one, other, held in networkx.minimum_spanning_edges(graph, data=True)
    ]
    return SpanningTree(
        edges=kept, total_weight=round(sum(edge.weight for edge in kept), 6), left_out=len(edges) - len(kept)
    )


class Components(Result):
    count: int = Field(description="Connected components")
    components: list[list[str]] = Field(description="Nodes of each component in alphabetical order, the largest first")
    bridges: list[str] = Field(description="Edges whose loss would split a component, such as A-B")
    cut_nodes: list[str] = Field(description="Nodes whose loss would split a component")


@tool(
    "Graphs",
    "Trees and components",
    "Is this network in one piece, and where is it weak? {links}",
    "Connected components of {links}?",
)
def graph_components(links: Links) -> Components:
    """Connected components of an undirected graph, with its bridges and cut nodes."""
    import networkx

    graph = _linked(links, loops=False)
    parts = sorted((sorted(part) for part in networkx.connected_components(graph)), key=lambda part: (-len(part), part))
    return Components(
        count=len(parts),
        components=parts,
        bridges=sorted("-".join(sorted(bridge)) for bridge in networkx.bridges(graph)),
        cut_nodes=sorted(networkx.articulation_points(graph)),
    )


class RankedNode(Result):
    node: str = Field(description="The node")
    centrality: float = Field(description="Its centrality, 0 to 1")


class Centralities(Result):
    ranking: list[RankedNode] = Field(description="All nodes, the most central first, equal ones by name")
    density: float = Field(description="Edges over the edges that there could be")


Measure = Literal["degree", "betweenness", "closeness"]


@tool(
    "Graphs",
    "Nodes",
    "Who is best connected here? {links}",
    "Rank the nodes of {links} by {measure} centrality.",
)
def node_centrality(
    links: Links,
    measure: Annotated[
        Measure, Field(description="What makes a node central"), Like(pick("degree", "betweenness", "closeness"))
    ] = "degree",
) -> Centralities:
    """Normalised centrality of every node of an undirected graph."""
    import networkx

    graph = _linked(links, loops=False)
    found = {
        "degree": networkx.degree_centrality,
        "betweenness": networkx.betweenness_centrality,
        "closeness": networkx.closeness_centrality,
    }[measure](graph)
    rounded = {node: round(value, 4) for node, value in found.items()}
    order = sorted(rounded, key=lambda node: (-rounded[node], node))
    return Centralities(
        ranking=[RankedNode(node=node, centrality=rounded[node]) for node in order],
        density=round(networkx.density(graph), 4),
    )


class GraphColouring(Result):
    colours_used: int = Field(description="Colours that this colouring takes, not always the fewest possible")
    groups: list[list[str]] = Field(description="Nodes of each colour; no two in a group are joined")


@tool(
    "Graphs",
    "Nodes",
    "These pairs clash: {links}. Sort everything into as few groups without clashes as you can.",
    "Colour the graph {links} so that neighbours differ.",
)
def greedy_graph_colouring(
    links: Annotated[
        list[Annotated[str, Field(pattern=f"^{_NAME}-{_NAME}$", description="Two nodes, such as A-B")]],
        Field(min_length=1, max_length=100, description="Pairs that may not share a colour"),
        Like(_links_draw),
        Wrong(pick(["A-B", "C-C"], ["s1-s1"], ["Ana-Ben", "Ben-Cleo", "Dev-Dev"])),
    ],
) -> GraphColouring:
    """Colour a graph by the DSATUR heuristic, which is exact for bipartite graphs."""
    import networkx

    graph = _linked(links)
    loops = sorted(networkx.nodes_with_selfloops(graph))
    if loops:
        raise Refused(
            f"parameter 'links': '{loops[0]}' is joined to itself and cannot be coloured; leave out "
            f"{loops[0]}-{loops[0]}"
        )
    colours = networkx.greedy_color(graph, strategy="DSATUR")
    used = max(colours.values()) + 1
    groups = [sorted(node for node, colour in colours.items() if colour == wanted) for wanted in range(used)]
    return GraphColouring(colours_used=used, groups=groups)


class TwoSides(Result):
    bipartite: bool = Field(description="Whether the nodes fall into two sides with edges only between them")
    left: list[str] = Field(description="One side, that of the alphabetically first node of each piece; empty if not")
    right: list[str] = Field(description="The other side; empty if not bipartite")
    largest_matching: int = Field(description="Most edges that share no node; 0 if not bipartite")


@tool(
    "Graphs",
    "Nodes",
    "Can I split these into two camps so that no pair is in the same one? {links}",
    "Is the graph {links} bipartite? If so, give both sides.",
)
def bipartite_split(
    links: Annotated[
        list[Annotated[str, Field(pattern=f"^{_NAME}-{_NAME}$", description="Two nodes, such as A-B")]],
        Field(min_length=1, max_length=100, description="Undirected edges as pairs of node names"),
        Like(_two_sided_draw),
    ],
) -> TwoSides:
    """Whether a graph is bipartite, its two sides, and how many pairs between them can be matched."""
    import networkx

    graph = _linked(links)
    if not networkx.is_bipartite(graph):
        return TwoSides(bipartite=False, left=[], right=[], largest_matching=0)
    left: set[str] = set()
    for piece in networkx.connected_components(graph):
        depth = networkx.single_source_shortest_path_length(graph, min(piece))
        left |= {node for node, steps in depth.items() if steps % 2 == 0}
    matched = networkx.bipartite.maximum_matching(graph, top_nodes=sorted(left))
    return TwoSides(
        bipartite=True, left=sorted(left), right=sorted(set(graph) - left), largest_matching=len(matched) // 2
    )


def _tasks_draw(rng: Random) -> list[str]:
    """Tasks without a cycle."""
    names = list(rng.choice(_TASKS))
    pairs = [(names[rng.randrange(at)], names[at]) for at in range(1, len(names))]
    extra = [(one, other) for at, one in enumerate(names) for other in names[at + 1 :] if (one, other) not in pairs]
    pairs += rng.sample(extra, rng.randint(0, 3))
    rng.shuffle(pairs)
    return [f"{one}>{other}" for one, other in pairs]


_TASKS = (
    ("design", "code", "review", "test", "package", "release"),
    ("shop", "chop", "boil", "fry", "serve"),
    ("extract", "clean", "join", "train", "evaluate", "report"),
    ("survey", "foundation", "walls", "roof", "wiring", "plaster", "paint"),
    ("A", "B", "C", "D", "E"),
)


class TaskOrder(Result):
    order: list[str] = Field(
        description="Every task after all that it needs, the alphabetically first where free to choose"
    )
    levels: list[list[str]] = Field(description="Tasks that can be done at the same time, level after level")
    longest_chain: list[str] = Field(description="A longest chain of tasks that need each other")


@tool(
    "Graphs",
    "Orders",
    "In which order do I do these, given what comes before what? {dependencies}",
    "Topological sort of {dependencies}, please; A>B says that A is first.",
)
def topological_order(
    dependencies: Annotated[
        list[Annotated[str, Field(pattern=f"^{_NAME}>{_NAME}$", description="before>after, such as code>test")]],
        Field(min_length=1, max_length=100, description="Which task comes before which"),
        Like(_tasks_draw),
        Wrong(pick(["A>B", "B>C", "C>A"], ["code>test", "test>review", "review>code", "test>ship"], ["x>y", "y>x"])),
    ],
) -> TaskOrder:
    """Order of tasks that respects what must come before what."""
    import networkx

    graph = networkx.DiGraph(tuple(pair.split(">")) for pair in dependencies)
    if not networkx.is_directed_acyclic_graph(graph):
        cycle = [before for before, _ in networkx.find_cycle(graph)]
        raise Refused(
            f"parameter 'dependencies': {'>'.join([*cycle, cycle[0]])} is a cycle; leave out one of its dependencies"
        )
    return TaskOrder(
        order=list(networkx.lexicographical_topological_sort(graph)),
        levels=[sorted(level) for level in networkx.topological_generations(graph)],
        longest_chain=networkx.dag_longest_path(graph),
    )


class FlowPlan(Result):
    maximum_flow: float = Field(description="Most that gets from source to sink")
    source_side: list[str] = Field(description="Nodes on the source's side of a narrowest cut")
    bottleneck: list[str] = Field(description="Edges of that cut, such as A>B; their capacities make the flow")


def _pipes_draw(rng: Random) -> dict[str, Any]:
    names = ["source", *rng.sample("ABCDE", rng.randint(2, 4)), "sink"]
    pairs = [(one, other) for at, one in enumerate(names) for other in names[at + 1 :]]
    kept = [pair for pair in pairs if rng.random() < 0.6 or pair in ((names[0], names[1]), (names[-2], names[-1]))]
    return {"pipes": _weighted(rng, kept), "source": "source", "sink": "sink"}


@tool(
    "Graphs",
    "Routes and flows",
    "How much can flow from {source} to {sink} through {pipes}?",
    "Max flow and bottleneck between {source} and {sink}; capacities: {pipes}.",
    together=_pipes_draw,
)
def maximum_network_flow(
    pipes: Annotated[
        list[WeightedEdge],
        Field(min_length=1, max_length=60, description="Directed edges, their weight the capacity"),
        Like(_edges_draw),
    ],
    source: Annotated[
        str,
        Field(min_length=1, max_length=20, description="Node that the flow leaves"),
        Like(pick("A")),
        Wrong(_MISSING),
    ],
    sink: Annotated[
        str, Field(min_length=1, max_length=20, description="Node that it goes to"), Like(pick("B")), Wrong(_MISSING)
    ],
) -> FlowPlan:
    """Maximum flow through a network and the cut nearest to the sink that limits it; parallel edges add up."""
    import networkx

    graph = networkx.DiGraph()
    for pipe in pipes:
        held = graph.get_edge_data(pipe.source, pipe.target, {"capacity": 0})["capacity"]
        graph.add_edge(pipe.source, pipe.target, capacity=held + pipe.weight)
    _require(graph, "source", source)
    _require(graph, "sink", sink)
    if source == sink:
        raise Refused(f"parameter 'sink': '{sink}' is the source as well; give another node")
    flow, (near, far) = networkx.minimum_cut(graph, source, sink, flow_func=networkx.algorithms.flow.edmonds_karp)
    cut = sorted(f"{one}>{other}" for one, other in graph.edges if one in near and other in far)
    return FlowPlan(maximum_flow=round(flow, 6), source_side=sorted(near), bottleneck=cut)
