//! The command line: flags, subcommands, and what they mean as settings.

pub mod check;
pub mod extras;
pub mod man;
pub mod print_config;
pub mod report;
pub mod run;
pub mod setup;
pub mod shadow;
mod startup;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::settings::limits::Limits;
use crate::tools::AccessMode;

/// Exit code for wrong usage; clap's own.
pub const EXIT_USAGE: u8 = 2;
/// Exit code for settings that cannot be used.
pub const EXIT_CONFIGURATION: u8 = 3;
/// Exit code when the address cannot be listened on.
pub const EXIT_LISTEN: u8 = 4;
/// Exit code of `check` when something is missing.
pub const EXIT_CHECK: u8 = 5;
/// Exit code of `setup` when nothing was set up.
pub const EXIT_SETUP: u8 = 6;
/// Exit code of `report` when there is none.
pub const EXIT_REPORT: u8 = 7;
/// Exit code of `export` and `advise` when there is no document or no advice.
pub const EXIT_ADVISE: u8 = 8;

/// An exit code, for the help and the manual.
pub(crate) struct Exit {
    pub(crate) code: u8,
    /// The subcommands that have it, `mcp-bridge` for serving; none: all.
    pub(crate) of: &'static [&'static str],
    /// In a word or two, for the help.
    short: &'static str,
    /// In a sentence, for the manual.
    pub(crate) meaning: &'static str,
}

const fn exit(
    code: u8,
    of: &'static [&'static str],
    short: &'static str,
    meaning: &'static str,
) -> Exit {
    Exit { code, of, short, meaning }
}

/// The exit codes.
pub(crate) const EXITS: &[Exit] = &[
    exit(0, &[], "success", "What was asked for is done."),
    exit(1, &[], "no output", "The output cannot be written, or the program cannot start."),
    exit(EXIT_USAGE, &[], "usage", "The command line is wrong."),
    exit(
        EXIT_CONFIGURATION,
        &["mcp-bridge", "check", "setup", "report", "export", "advise"],
        "settings",
        "A setting, file or variable cannot be used.",
    ),
    exit(EXIT_LISTEN, &["mcp-bridge"], "cannot listen", "The address cannot be listened on."),
    exit(EXIT_CHECK, &["check"], "check found something missing", "Something is missing."),
    exit(EXIT_SETUP, &["setup"], "setup did nothing", "Nothing was set up."),
    exit(
        EXIT_REPORT,
        &["report"],
        "no report",
        "There is no report: the database cannot be reached, the file cannot be written, or it was \
         interrupted. Nothing was written.",
    ),
    exit(
        EXIT_ADVISE,
        &["export", "advise"],
        "no export or advice",
        "There is no document or no advice. Nothing was imported, or the import is whole.",
    ),
];

/// What stands below the help: examples, and the exit codes.
fn after_help() -> String {
    let codes: Vec<String> =
        EXITS.iter().map(|exit| format!("{} {}", exit.code, exit.short)).collect();
    format!("{EXAMPLES}\nExit codes: {}.", codes.join(", "))
}

pub(crate) const EXAMPLES: &str = "\
Examples:
  mcp-bridge postgresql://app@localhost/shop
      Serve one client over stdio, read-only.
  DATABASE_URI=postgresql://app@db/shop mcp-bridge --transport=sse
      Serve HTTP+SSE at http://localhost:8000/sse and Streamable HTTP at http://localhost:8000/mcp.
  mcp-bridge --config /etc/mcp-bridge.toml --transport=streamable-http --listen 0.0.0.0:8000 \\
      --auth-token-file /run/secrets/tokens
      Serve several databases to a network.
  mcp-bridge check postgresql://app@localhost/shop
      Say what works with this database and what is missing.
  DATABASE_URI=postgresql://postgres@localhost/shop mcp-bridge setup --read-all-data
      Print the SQL that makes a role which may read and nothing else; --apply runs it.
  mcp-bridge report --html shop.html postgresql://app@localhost/shop
      Write a page about health, top queries, index advice and plans, to be opened in a browser.
  MCP_BRIDGE_SOURCE_URI=postgresql://reader@managed/shop \\
  MCP_BRIDGE_SHADOW_URI=postgresql://owner@localhost/scratch mcp-bridge advise --budget 2GB
      Advise on a server that cannot have the extension, in a scratch database on one that has it.
  mcp-bridge print-config --client claude-desktop
      Print what to put into a client's configuration.
  mcp-bridge print-config --client cursor --url http://localhost:8000/mcp
      The same, for a bridge that runs already.
  mcp-bridge export --output shop.json postgresql://reader@managed/shop
      Write definitions, statistics and workload of a database to a file, without rows.
  mcp-bridge tools --access-mode=unrestricted
      Print the tools as clients see them.
  mcp-bridge completions bash
      Print what completes the command line in bash.
  mcp-bridge man --directory /usr/local/share/man/man1
      Write the manual pages.
";

/// An MCP server for PostgreSQL: index advice, health, plans, schema and safe SQL.
#[derive(Debug, Parser)]
#[command(
    name = "mcp-bridge",
    version,
    after_help = after_help(),
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub struct Cli {
    /// What to do; without it: serve.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Where the databases are.
    #[command(flatten)]
    pub source: Source,
    /// How to serve.
    #[command(flatten)]
    pub serve: Serve,
    /// How to log.
    #[command(flatten)]
    pub log: Log,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Connect and say what works, what is missing, and what mends it.
    Check {
        /// Where the databases are.
        #[command(flatten)]
        source: Source,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make a role for the bridge that may read and nothing else, or print the SQL for it.
    Setup(setup::SetupArgs),
    /// Write one page about a database: health, top queries, index advice, plans.
    Report(report::ReportArgs),
    /// Write a database's definitions, statistics and workload to a file, without rows.
    Export(shadow::ExportArgs),
    /// Advise on a server without the extension, computed in a scratch database elsewhere.
    Advise(shadow::AdviseArgs),
    /// Print the tools as JSON, as clients see them.
    Tools {
        /// Show them as in this mode.
        #[arg(long, value_enum, default_value_t = AccessMode::Restricted)]
        access_mode: AccessMode,
    },
    /// Print the configuration for a client.
    PrintConfig {
        /// Which client.
        #[arg(long, value_enum)]
        client: print_config::Client,
        /// URL of a running bridge; without it the client starts its own over stdio.
        #[arg(long)]
        url: Option<String>,
    },
    /// Print a completion script for a shell.
    Completions {
        /// Which shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write those of all subcommands.
    Man {
        /// Write the page of the program and of each subcommand into this folder, which must exist.
        #[arg(long, value_name = "DIR")]
        directory: Option<PathBuf>,
    },
}

/// Where the databases are.
#[derive(Debug, Clone, Default, Args)]
pub struct Source {
    /// Connection URI or keyword string; the environment variable DATABASE_URI goes before it.
    ///
    /// Prefer DATABASE_URI or a file: arguments are visible to all users of the machine. Without any, libpq's
    /// PG* variables and defaults are used if PGHOST, PGSERVICE or PGDATABASE is set.
    #[arg(value_name = "DATABASE_URI", hide_env_values = true)]
    pub uri: Option<String>,
    /// File with the connection URI.
    #[arg(long, value_name = "FILE", env = "MCP_BRIDGE_DATABASE_URI_FILE")]
    pub database_uri_file: Option<PathBuf>,
    /// Configuration file (TOML) with named databases, limits and HTTP settings.
    #[arg(long, value_name = "FILE", env = "MCP_BRIDGE_CONFIG")]
    pub config: Option<PathBuf>,
}

/// Which transport clients use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Transport {
    /// One client, over standard input and output.
    Stdio,
    /// HTTP; serves Streamable HTTP too.
    Sse,
    /// HTTP; serves HTTP+SSE too.
    #[value(alias = "http")]
    StreamableHttp,
}

/// Until when a restricted session is closed for changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LatchArg {
    /// As it suits the connection.
    Auto,
    /// Until the session ends.
    Session,
    /// Until each transaction ends.
    Transaction,
}

/// How to serve.
#[derive(Debug, Clone, Args)]
pub struct Serve {
    /// Whether `execute_sql` may write.
    #[arg(long, value_enum, default_value_t = AccessMode::Restricted, env = "MCP_BRIDGE_ACCESS_MODE")]
    pub access_mode: AccessMode,
    /// Until when a restricted session is closed for changes by the extension's mcp_guard().
    ///
    /// `auto` takes the whole session where the server is connected to directly, and behind a pooler, which gives
    /// sessions to others, each transaction. Pgpool-II passes for the server: give `transaction` there.
    #[arg(long, value_enum, default_value_t = LatchArg::Auto, env = "MCP_BRIDGE_LATCH")]
    pub latch: LatchArg,
    /// How clients connect; both HTTP transports open both endpoints.
    #[arg(long, value_enum, default_value_t = Transport::Stdio, env = "MCP_BRIDGE_TRANSPORT")]
    pub transport: Transport,
    /// Address and port of the HTTP transports [default: localhost:8000].
    #[arg(long, value_name = "HOST:PORT", env = "MCP_BRIDGE_LISTEN")]
    pub listen: Option<String>,
    /// Host to listen on with --transport=sse.
    #[arg(long, value_name = "HOST", env = "MCP_BRIDGE_SSE_HOST")]
    pub sse_host: Option<String>,
    /// Port to listen on with --transport=sse.
    #[arg(long, value_name = "PORT", env = "MCP_BRIDGE_SSE_PORT")]
    pub sse_port: Option<u16>,
    /// Path of the HTTP+SSE endpoint.
    #[arg(long, value_name = "PATH", default_value = "/sse", env = "MCP_BRIDGE_SSE_PATH")]
    pub sse_path: String,
    /// Host to listen on with --transport=streamable-http.
    #[arg(long, value_name = "HOST", env = "MCP_BRIDGE_STREAMABLE_HTTP_HOST")]
    pub streamable_http_host: Option<String>,
    /// Port to listen on with --transport=streamable-http.
    #[arg(long, value_name = "PORT", env = "MCP_BRIDGE_STREAMABLE_HTTP_PORT")]
    pub streamable_http_port: Option<u16>,
    /// HTTP settings beyond the address.
    #[command(flatten)]
    pub http: HttpArgs,
    /// What one call may use.
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// HTTP settings beyond the address.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "HTTP")]
pub struct HttpArgs {
    /// File with bearer tokens, one a line: TOKEN, NAME:TOKEN or NAME:sha256:HEX.
    ///
    /// MCP_BRIDGE_AUTH_TOKEN holds a single token. One is required as soon as the address is not loopback.
    #[arg(long, value_name = "FILE", env = "MCP_BRIDGE_AUTH_TOKEN_FILE")]
    pub auth_token_file: Option<PathBuf>,
    /// Listen on a non-loopback address without a token.
    #[arg(long, env = "MCP_BRIDGE_NO_AUTH")]
    pub no_auth: bool,
    /// Further value of the Host header to accept, such as `bridge.example.com:8000`; repeatable.
    #[arg(long, value_name = "HOST", env = "MCP_BRIDGE_ALLOWED_HOSTS", value_delimiter = ',')]
    pub allowed_host: Vec<String>,
    /// Web origin that may call, such as `https://app.example.com`; repeatable.
    #[arg(long, value_name = "ORIGIN", env = "MCP_BRIDGE_ALLOWED_ORIGINS", value_delimiter = ',')]
    pub allowed_origin: Vec<String>,
    /// Path under which a reverse proxy shows the endpoints.
    #[arg(long, value_name = "PATH", env = "MCP_BRIDGE_PUBLIC_PATH")]
    pub public_path: Option<String>,
    /// Most sessions at a time, of each kind [default: 64].
    #[arg(long, value_name = "N", env = "MCP_BRIDGE_MAX_SESSIONS")]
    pub max_sessions: Option<usize>,
    /// Serve Prometheus metrics at /metrics.
    #[arg(long, env = "MCP_BRIDGE_METRICS")]
    pub metrics: bool,
}

/// What one call may use; what is not given comes from the configuration file or the default.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Rows of an answer [default: 500].
    #[arg(long, value_name = "N", env = "MCP_BRIDGE_MAX_ROWS")]
    pub max_rows: Option<u32>,
    /// Bytes of an answer [default: 40000].
    ///
    /// Rows are there twice, as text and as data, and some clients take no message above 1 MiB.
    #[arg(long, value_name = "BYTES", env = "MCP_BRIDGE_MAX_RESULT_BYTES")]
    pub max_result_bytes: Option<usize>,
    /// Characters of one value [default: 2000].
    #[arg(long, value_name = "N", env = "MCP_BRIDGE_MAX_CELL_CHARS")]
    pub max_cell_chars: Option<usize>,
    /// Bytes of a statement's text [default: 100000].
    #[arg(long, value_name = "BYTES", env = "MCP_BRIDGE_MAX_SQL_BYTES")]
    pub max_sql_bytes: Option<usize>,
    /// Seconds a statement may run [default: 30].
    #[arg(long, value_name = "SECONDS", env = "MCP_BRIDGE_STATEMENT_TIMEOUT")]
    pub statement_timeout: Option<u64>,
    /// Seconds an index analysis may run [default: 55].
    #[arg(long, value_name = "SECONDS", env = "MCP_BRIDGE_ANALYSIS_TIMEOUT")]
    pub analysis_timeout: Option<u64>,
    /// Milliseconds to wait for a lock [default: 2000].
    #[arg(long, value_name = "MS", env = "MCP_BRIDGE_LOCK_TIMEOUT")]
    pub lock_timeout: Option<u64>,
    /// Seconds a transaction may idle [default: 35].
    #[arg(long, value_name = "SECONDS", env = "MCP_BRIDGE_IDLE_TIMEOUT")]
    pub idle_timeout: Option<u64>,
    /// The server's work_mem for our statements, such as 64MB [default: the server's].
    #[arg(long, value_name = "SIZE", env = "MCP_BRIDGE_WORK_MEM")]
    pub work_mem: Option<String>,
    /// The server's temp_file_limit for our statements, such as 1GB; needs the right to set it.
    #[arg(long, value_name = "SIZE", env = "MCP_BRIDGE_TEMP_FILE_LIMIT")]
    pub temp_file_limit: Option<String>,
    /// Most memory that a statement takes, such as 2GB, where the extension is [default: 2GB].
    #[arg(long, value_name = "SIZE", env = "MCP_BRIDGE_STATEMENT_MEMORY")]
    pub statement_memory: Option<String>,
    /// Connections to each database [default: 5].
    #[arg(long, value_name = "N", env = "MCP_BRIDGE_POOL_SIZE")]
    pub pool_size: Option<usize>,
    /// Calls that may run at a time [default: 16].
    #[arg(long, value_name = "N", env = "MCP_BRIDGE_MAX_CALLS")]
    pub max_calls: Option<usize>,
}

/// How to log, always to standard error.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Logging")]
pub struct Log {
    /// Form of the log.
    #[arg(long, value_enum, default_value_t = LogFormat::Text, env = "MCP_BRIDGE_LOG_FORMAT")]
    pub log_format: LogFormat,
    /// Least level to log of the bridge itself.
    #[arg(long, value_enum, default_value_t = LogLevel::Info, env = "MCP_BRIDGE_LOG_LEVEL")]
    pub log_level: LogLevel,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Levels of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Only what went wrong.
    Error,
    /// And what may be wrong.
    Warn,
    /// And each call.
    Info,
    /// And how it went.
    Debug,
}

impl LogLevel {
    const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

impl LimitArgs {
    /// Puts what is given in the place of what the file or the default says.
    pub fn apply(&self, limits: &mut Limits) {
        fn set<T: Clone>(slot: &mut T, given: Option<&T>) {
            if let Some(given) = given {
                slot.clone_from(given);
            }
        }
        set(&mut limits.rows, self.max_rows.as_ref());
        set(&mut limits.result_bytes, self.max_result_bytes.as_ref());
        set(&mut limits.cell_chars, self.max_cell_chars.as_ref());
        set(&mut limits.sql_bytes, self.max_sql_bytes.as_ref());
        set(&mut limits.statement, self.statement_timeout.map(Duration::from_secs).as_ref());
        set(&mut limits.analysis, self.analysis_timeout.map(Duration::from_secs).as_ref());
        set(&mut limits.lock, self.lock_timeout.map(Duration::from_millis).as_ref());
        set(&mut limits.idle_in_transaction, self.idle_timeout.map(Duration::from_secs).as_ref());
        set(&mut limits.pool_size, self.pool_size.as_ref());
        set(&mut limits.calls, self.max_calls.as_ref());
        if self.work_mem.is_some() {
            limits.work_mem.clone_from(&self.work_mem);
        }
        if self.temp_file_limit.is_some() {
            limits.temp_file_limit.clone_from(&self.temp_file_limit);
        }
        if self.statement_memory.is_some() {
            limits.statement_memory.clone_from(&self.statement_memory);
        }
    }
}

#[cfg(test)]
mod tests;
