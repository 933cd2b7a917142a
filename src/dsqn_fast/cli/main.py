"""The program `dsqn-fast`: finds the command, calls it, and turns errors into one sentence."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from dsqn_fast.cli.commands import COMMANDS, load_command
from dsqn_fast.cli.output import forget_stdout
from dsqn_fast.errors import DsqnError

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""What writing to a stdout that takes no more fails with."""

# Typer carries its own copy of click from 0.26 on, and uses click before: its own class of usage
# errors leads to the base of both.
_UsageError: type[Exception] = next(
    base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"
)


class LazyGroup(TyperGroup):
    """A list of commands that imports a command's module when it is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, entry in COMMANDS.items():
            self.commands[name] = TyperCommand(name=name, help=entry.help, callback=None)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The called command, its module imported, and the arguments left for it."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name in COMMANDS else command, rest


app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: dsqn-fast run policies/cartpole-dqn.npz",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from dsqn_fast.version import package_version

        typer.echo(f"dsqn-fast {package_version()}")
        raise typer.Exit


@app.callback()
def program(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Trained Q networks and policies as spiking networks: convert, simulate, verify."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Args:
        arguments: Words after the program's name; None takes those of the process.

    Returns:
        Exit status: 0, 2 for bad input (one sentence on stderr), 130 after Ctrl-C, 1 if the
        reader of the output went away.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = app(args=words or ["--help"], prog_name="dsqn-fast", standalone_mode=False)
        sys.stdout.flush()
    except DsqnError as error:
        return _refuse(str(error))
    except _UsageError as error:
        return _refuse(_with_value(error, words))
    except BrokenPipeError:
        forget_stdout()
        return 1
    except OSError as error:
        if error.filename is not None or error.errno not in FULL:
            raise
        forget_stdout()  # help and version are printed by typer
        return _refuse(f"stdout cannot be written: {error.strerror}")
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED
    return status if isinstance(status, int) else 0


def _with_value(error: Any, words: Sequence[str]) -> str:
    """A usage error's message, and the word behind the option that it is about."""
    message: str = error.format_message()
    for name in getattr(getattr(error, "param", None), "opts", ()):
        for word, value in zip(words, [*words[1:], None], strict=True):
            option, equals, rest = word.partition("=")
            found = rest if equals else value
            if option == name and found is not None and repr(found) not in message:
                return f"{message}, not {found!r}"
    return message


def _refuse(message: str) -> int:
    # Names in files and messages of libraries could hold what a terminal takes as commands.
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in " ".join(message.split()))
    print("dsqn-fast:", shown, file=sys.stderr)
    return EXIT_BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
