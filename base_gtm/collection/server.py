"""Tools of a living MCP server: `mcp:COMMAND ARGUMENTS` is started, asked for tools/list, and ended.

The command runs as the user: only what the user names is started. Needs the MCP SDK (`pip install 'gtm-adapt[mcp]'`).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

from base_gtm.errors import DataError

PREFIX = "mcp:"
PATIENCE_S = 60.0
"""Seconds until a server that does not answer is given up."""


def listed(command: str) -> Iterator[tuple[Any, str]]:
    """Each tool of the server as a record with its origin. Raises DataError."""
    import asyncio

    try:
        words = shlex.split(command)
    except ValueError as error:
        raise DataError(f"{PREFIX}{command}: not a command ({error})") from None
    if not words:
        raise DataError(f"{PREFIX}: give the server's command, such as {PREFIX}'uvx mcp-server-time'")
    try:
        tools = asyncio.run(asyncio.wait_for(_asked(words), PATIENCE_S))
    except ImportError:
        raise DataError(f"{PREFIX} needs the MCP SDK; pip install 'gtm-adapt[mcp]'") from None
    except TimeoutError:
        raise DataError(f"{PREFIX}{command}: no answer within {PATIENCE_S:.0f} s") from None
    except BaseExceptionGroup as error:
        raise DataError(f"{PREFIX}{command}: {_first(error)}") from None
    except (OSError, RuntimeError) as error:
        raise DataError(f"{PREFIX}{command}: {error}") from None
    name = words[0].rpartition("/")[2]
    return ((tool, f"{PREFIX}{name}#{number}") for number, tool in enumerate(tools))


async def _asked(words: list[str]) -> list[dict[str, Any]]:
    """tools/list, all pages of it."""
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client
    from mcp.types import PaginatedRequestParams

    found: list[dict[str, Any]] = []
    server = StdioServerParameters(command=words[0], args=words[1:])
    async with stdio_client(server) as (reading, writing), ClientSession(reading, writing) as session:
        await session.initialize()
        cursor: str | None = None
        while True:
            page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor))
            found += [tool.model_dump(by_alias=True, exclude_none=True) for tool in page.tools]
            cursor = page.next_cursor
            if not cursor:
                return found


def _first(error: BaseException) -> str:
    """What the first failure within groups of failures says."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
