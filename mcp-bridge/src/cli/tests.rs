use super::*;

fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
    Cli::try_parse_from([&["mcp-bridge"], arguments].concat())
}

#[test]
fn the_command_line_is_consistent() {
    <Cli as clap::CommandFactory>::command().debug_assert();
}

#[test]
fn the_flags_of_postgres_mcp_pro_are_taken() {
    let cli = parse(&[
        "postgresql://u:p@h:5432/d",
        "--access-mode=unrestricted",
        "--transport=sse",
        "--sse-host=127.0.0.1",
        "--sse-port=8001",
        "--sse-path=/events",
        "--streamable-http-host=localhost",
        "--streamable-http-port=8002",
    ])
    .unwrap();
    assert_eq!(cli.source.uri.as_deref(), Some("postgresql://u:p@h:5432/d"));
    assert_eq!(cli.serve.access_mode, AccessMode::Unrestricted);
    assert_eq!(cli.serve.transport, Transport::Sse);
    assert_eq!(cli.serve.sse_port, Some(8001));
    assert_eq!(cli.serve.sse_path, "/events");
}

#[test]
fn restricted_stdio_is_the_default() {
    let cli = parse(&[]).unwrap();
    assert_eq!(cli.serve.access_mode, AccessMode::Restricted);
    assert_eq!(cli.serve.transport, Transport::Stdio);
    assert!(cli.command.is_none());
}

#[test]
fn subcommands_are_not_taken_for_a_uri() {
    assert!(matches!(parse(&["check"]).unwrap().command, Some(Command::Check { .. })));
    let cli = parse(&["check", "postgresql:///d", "--json"]).unwrap();
    let Some(Command::Check { source, json }) = cli.command else { panic!("check") };
    assert_eq!(source.uri.as_deref(), Some("postgresql:///d"));
    assert!(json);
    for arguments in
        [&["tools"][..], &["man"], &["completions", "bash"], &["print-config", "--client=cursor"]]
    {
        assert!(parse(arguments).unwrap().command.is_some());
    }
}

#[test]
fn wrong_values_are_refused() {
    for arguments in [
        &["--transport=ws"][..],
        &["--access-mode=admin"],
        &["--sse-port=99999"],
        &["--max-rows=-1"],
        &["--no-such-flag"],
    ] {
        assert!(parse(arguments).is_err());
    }
}

#[test]
fn given_limits_replace_defaults() {
    let cli = parse(&["--max-rows=7", "--lock-timeout=50", "--work-mem=64MB"]).unwrap();
    let mut limits = Limits::default();
    cli.serve.limits.apply(&mut limits);
    assert_eq!(limits.rows, 7);
    assert_eq!(limits.lock, Duration::from_millis(50));
    assert_eq!(limits.work_mem.as_deref(), Some("64MB"));
    assert_eq!(limits.statement, Limits::default().statement);
}
