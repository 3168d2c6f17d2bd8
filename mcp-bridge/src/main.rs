//! The program `mcp-bridge`.

#![recursion_limit = "256"] // The layout of the future that serves: layers around layers.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use mcp_bridge::cli::run::Failure;
use mcp_bridge::cli::{
    Cli, Command, EXIT_CHECK, EXIT_CONFIGURATION, EXIT_SETUP, check, extras, man, print_config,
    report, run, setup, shadow,
};

fn main() -> ExitCode {
    let cli = Cli::parse();
    run::start_logging(&cli.log);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start: {error}"), 1),
    };
    let code = runtime.block_on(dispatch(cli));
    // A read of standard input that still waits must not hold the process.
    runtime.shutdown_background();
    code
}

async fn dispatch(cli: Cli) -> ExitCode {
    let mut out = io::stdout();
    let written = match &cli.command {
        None => {
            return match run::serve(cli).await {
                Ok(()) => ExitCode::SUCCESS,
                Err(Failure { message, code }) => fail(&message, code),
            };
        }
        Some(Command::Check { source, json }) => {
            match check::check(source, *json, &mut out).await {
                Ok(Ok(true)) => Ok(()),
                Ok(Ok(false)) => return ExitCode::from(EXIT_CHECK),
                Ok(Err(error)) => Err(error),
                Err(error) => return fail(&error.to_string(), EXIT_CONFIGURATION),
            }
        }
        Some(Command::Setup(args)) => match setup::setup(args, &mut out).await {
            Ok(written) => written,
            Err(error @ setup::Failure::Settings(_)) => {
                return fail(&error.to_string(), EXIT_CONFIGURATION);
            }
            Err(error) => return fail(&error.to_string(), EXIT_SETUP),
        },
        Some(Command::Report(args)) => match report::report(args, &mut out).await {
            Ok(written) => written,
            Err(Failure { message, code }) => return fail(&message, code),
        },
        Some(Command::Export(args)) => match shadow::export(args, &mut out).await {
            Ok(written) => written,
            Err(Failure { message, code }) => return fail(&message, code),
        },
        Some(Command::Advise(args)) => match shadow::advise(args, &mut out).await {
            Ok(written) => written,
            Err(Failure { message, code }) => return fail(&message, code),
        },
        Some(Command::Tools { access_mode }) => extras::tools(*access_mode, &mut out),
        Some(Command::PrintConfig { client, url }) => {
            let program = std::env::current_exe();
            let program =
                program.as_ref().map_or("mcp-bridge".into(), |path| path.to_string_lossy());
            out.write_all(print_config::text(*client, &program, url.as_deref()).as_bytes())
        }
        Some(Command::Completions { shell }) => {
            extras::completions(*shell, &mut out);
            Ok(())
        }
        Some(Command::Man { directory: None }) => man::print(&mut out),
        Some(Command::Man { directory: Some(folder) }) => man::write_all(folder, &mut out),
    };
    match written.and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        // A closed pipe is the reader's way to say that it has enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => fail(&format!("cannot write: {error}"), 1),
    }
}

fn fail(message: &str, code: u8) -> ExitCode {
    // When not even standard error can be written to there is nobody to tell.
    let _ = writeln!(io::stderr(), "error: {message}");
    ExitCode::from(code)
}
