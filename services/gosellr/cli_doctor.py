"""`gosellr doctor`: what is wrong with this installation, and how to mend it.

And `gosellr raise-epoch`, which mends a database that was restored from a dump.
"""

import asyncio
from urllib.parse import urlsplit

import typer

from gosellr.cli_database import market_database, refusals
from gosellr.config import Settings, SettingsError, load_settings
from gosellr.core.checkup import Finding, check_database, check_folder, check_python
from gosellr.core.embedded_postgres import Cluster
from gosellr.core.listening import answers, bind_address
from gosellr.core.lock_file import LockHeldError, hold_lock
from gosellr.core.postgres_binaries import OLDEST_MAJOR, find_binaries
from gosellr.core.startup_error import StartupError
from gosellr.core.transaction_epoch import raise_epoch

OLDEST_PYTHON = (3, 11)


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)
    app.command("raise-epoch")(raise_epoch_of_market)


def doctor() -> None:
    """Say what is wrong with this installation and how to mend it. Changes nothing."""
    findings = [check_python(oldest=OLDEST_PYTHON)]
    try:
        settings = load_settings()
    except SettingsError as error:
        findings += [Finding("Settings", problem, "Mend it") for problem in error.problems]
    else:
        findings.append(Finding("Settings", settings.env))
        findings += [check_folder(settings.home), _check_port(settings)]
        findings += [_check_mail(settings), _check_fonts(settings)]
        findings += _check_market_database(settings)
    for finding in findings:
        mark = "✓" if finding.is_well else "✗"
        typer.echo(f"  {mark} {finding.subject.ljust(12)} {finding.answer}")
        if not finding.is_well and finding.remedy != "Mend it":
            typer.echo(f"    {' ' * 12} {finding.remedy}")
    if not all(finding.is_well for finding in findings):
        raise typer.Exit(1)


def _check_port(settings: Settings) -> Finding:
    where = f"{settings.host}:{settings.port}"
    if answers(settings.host, settings.port, path="/healthz"):
        return Finding("Port", f"{where} answers")
    try:
        bind_address(settings.host, settings.port).close()
    except StartupError as error:
        return Finding("Port", error.problem, error.remedy)
    return Finding("Port", f"{where} is free")


def _check_mail(settings: Settings) -> Finding:
    if settings.smtp_url:
        return Finding("Mail", f"by {urlsplit(settings.smtp_url).hostname}")
    answer = f"not set up: letters stay in {settings.home / 'outbox'}, nobody gets one"
    if not settings.is_production:
        return Finding("Mail", answer)
    return Finding("Mail", answer, "Set GOSELLR_SMTP_URL and GOSELLR_MAIL_FROM")


def _check_fonts(settings: Settings) -> Finding:
    folder = settings.document_fonts
    if folder is None:
        return Finding("Fonts", "the shipped one alone: no Chinese, Japanese, Korean, Thai on PDFs")
    found = sum(one.suffix.lower() in {".ttf", ".otf", ".ttc"} for one in folder.rglob("*"))
    if not found:
        return Finding("Fonts", f"{folder} holds none", "Put TTF, OTF or TTC files there")
    return Finding("Fonts", f"{found} further ones in {folder}")


def _check_market_database(settings: Settings) -> list[Finding]:
    from gosellr.migrations.revisions import head_revision  # noqa: PLC0415
    from gosellr.migrations.run import EXTENSIONS  # noqa: PLC0415

    try:
        if not settings.database_url and not (settings.home / "pg").exists():
            return [Finding("Database", f"PostgreSQL {find_binaries().version}, not created yet")]
        with market_database(settings, purpose="gosellr doctor") as logins:
            return asyncio.run(
                check_database(
                    logins.application,
                    oldest_version=OLDEST_MAJOR,
                    extensions=EXTENSIONS,
                    schema="gosellr",
                    head=head_revision(),
                )
            )
    except StartupError as error:
        return [Finding("Database", error.problem, error.remedy)]


def raise_epoch_of_market() -> None:
    """Let the market's own server go on behind all that a restored dump remembers."""
    with refusals():
        settings = load_settings()
        if settings.database_url:
            raise StartupError(
                "The market doesn't run this PostgreSQL.",
                remedy="Run pg_resetwal where it runs, as docs/operations/restore.md says",
            )
        cluster = Cluster(settings.home)
        try:
            with hold_lock(settings.home / "market.lock", purpose="gosellr raise-epoch"):
                epoch = _epoch_needed(cluster)
                if epoch is not None:
                    raise_epoch(settings.home, epoch=epoch)
        except LockHeldError:
            raise StartupError("The market runs.", remedy="Stop it first") from None
    typer.echo(
        "Nothing had to be done" if epoch is None else f"The server goes on in epoch {epoch}"
    )


def _epoch_needed(cluster: Cluster) -> int | None:
    from gosellr.migrations.restored import ask_epoch_needed  # noqa: PLC0415

    cluster.start()
    try:
        return asyncio.run(ask_epoch_needed(cluster.dsn()))
    finally:
        cluster.stop()
