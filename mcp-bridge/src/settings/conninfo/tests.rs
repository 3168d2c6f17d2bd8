use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mcp-bridge-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing to do about it, and nothing depends on it.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn env() -> Environment {
    Environment::default().with_user("os")
}

fn resolve(text: &str) -> ConnInfo {
    ConnInfo::resolve(Some(text), &env()).unwrap().conninfo
}

fn error(text: &str) -> String {
    ConnInfo::resolve(Some(text), &env()).unwrap_err().to_string()
}

fn password(host: &Host) -> Option<&str> {
    host.password.as_ref().map(super::super::Secret::reveal)
}

#[test]
fn places_are_described_without_the_password() {
    for (text, expected) in [
        ("postgresql://app:pw@db1/shop", r#""shop" as user "app" at db1:5432 (sslmode prefer)"#),
        ("postgres://", r#""os" as user "os" at localhost:5432 (sslmode prefer)"#),
        (
            "postgres://a@h1,h2:1/d?sslmode=verify-ca&sslrootcert=/",
            r#""d" as user "a" at h1:5432, h2:1 (sslmode verify-ca)"#,
        ),
        ("host=::1 user=a port=7", r#""a" as user "a" at [::1]:7 (sslmode prefer)"#),
        ("host=/run user=a dbname=d", r#""d" as user "a" at /run/.s.PGSQL.5432"#),
        (
            "hostaddr=10.0.0.1,10.0.0.2 host=a, user=a port=7",
            r#""a" as user "a" at a:7, 10.0.0.2:7 (sslmode prefer)"#,
        ),
    ] {
        assert_eq!(resolve(text).describe(), format!("database {expected}"), "{text}");
    }
}

#[test]
fn the_driver_of_a_sqlalchemy_uri_is_left_out_with_a_warning() {
    let text = "postgresql+psycopg2://app:pw@db1/shop";
    let resolved = ConnInfo::resolve(Some(text), &env()).unwrap();
    assert_eq!(resolved.conninfo.hosts[0].describe(), "db1:5432");
    assert!(resolved.warnings.concat().contains("+psycopg2"));
}

#[test]
fn values_have_their_effect() {
    let info = resolve(
        "host=h user=u connect_timeout=3 keepalives=0 keepalives_idle=5 keepalives_interval=6 \
         keepalives_count=7 tcp_user_timeout=1500 channel_binding=require sslsni=0 \
         target_session_attrs=prefer-standby load_balance_hosts=random application_name=x \
         options='-c geqo=off' ssl_min_protocol_version=TLSv1.3 sslcert=/c sslkey=/k sslcrl=/r \
         client_encoding=UTF8",
    );
    assert_eq!(info.connect_timeout, Some(Duration::from_secs(3)));
    let keepalives = Keepalives {
        enabled: false,
        idle: Some(Duration::from_secs(5)),
        interval: Some(Duration::from_secs(6)),
        count: Some(7),
    };
    assert_eq!(info.keepalives, keepalives);
    assert_eq!(info.tcp_user_timeout, Some(Duration::from_millis(1500)));
    assert_eq!(info.channel_binding, ChannelBinding::Require);
    assert_eq!(info.session, SessionAttrs::PreferStandby);
    assert!(info.shuffle && !info.tls.sni && !info.tls.versions.tls12 && info.tls.versions.tls13);
    assert_eq!(info.application_name, "x");
    assert_eq!(info.options.as_deref(), Some("-c geqo=off"));
    assert_eq!(info.tls.revoked, Some(("/r".into(), true)));
    let client = ClientCertificate { certificate: "/c".into(), key: "/k".into(), is_named: true };
    assert_eq!(info.tls.client, Some(client));
}

#[test]
fn defaults_are_those_of_the_bridge() {
    let info = resolve("host=h");
    assert_eq!(info.application_name, format!("mcp-bridge/{}", crate::VERSION));
    assert_eq!(info.options, None, "poolers refuse the parameter");
    assert_eq!(info.connect_timeout, Some(CONNECT_TIMEOUT));
    assert_eq!(info.session, SessionAttrs::Any);
    assert_eq!(info.tls.mode, SslMode::Prefer);
    assert_eq!(info.tls.client, None);
    assert!(info.keepalives.enabled && info.tls.sni && info.tls.versions.tls12);
    for never in ["0", "-1"] {
        assert_eq!(resolve(&format!("host=h connect_timeout={never}")).connect_timeout, None);
    }
}

#[test]
fn settings_without_effect_are_told_of() {
    for (text, count) in [
        ("host=h sslpassword=x replication=true", 2),
        ("host=h client_encoding=LATIN1", 1),
        ("host=h client_encoding=unicode gssencmode=prefer krbsrvname=x sslcompression=1", 0),
        ("host=h sslrootcert=/nonexistent", 1),
        ("host=h sslrootcert=/nonexistent sslmode=disable", 0),
    ] {
        let warnings = ConnInfo::resolve(Some(text), &env()).unwrap().warnings;
        assert_eq!(warnings.len(), count, "{text}: {warnings:?}");
    }
}

#[test]
fn wrong_values_are_named_and_not_shown() {
    for (text, expected) in [
        ("S3CRET", "neither a URI nor a keyword string"),
        ("mysql://u:S3CRET@h/d", "neither a URI nor a keyword string"),
        ("postgresql+S3/CRET://h", "neither a URI nor a keyword string"),
        ("port=S3CRET", "port must be a number from 1 to 65535"),
        ("port=0", "port must be"),
        ("port=65536", "port must be"),
        ("postgres://u:S3CRET:1/d", "port must be"),
        ("host=a,b port=1,2,3", "port must be one port, or as many as there are hosts"),
        ("host=a,b hostaddr=::1", "hostaddr must be a list as long as"),
        ("hostaddr=S3CRET", "hostaddr must be an IP address"),
        ("host=@S3CRET", "no abstract socket"),
        ("host='S3 CRET'", "host must be a host's name"),
        ("sslmode=S3CRET", "sslmode must be one of disable, allow, prefer, require, verify-ca"),
        ("connect_timeout=S3CRET", "connect_timeout must be a whole number"),
        ("keepalives=99999999999", "keepalives must be a whole number"),
        ("target_session_attrs=S3CRET", "target_session_attrs must be one of any, read-write"),
        ("channel_binding=S3CRET", "channel_binding must be one of"),
        ("gssencmode=require", "gssencmode must be disable or prefer"),
        ("host=/run requirepeer=S3CRET", "requirepeer is not supported"),
        ("require_auth=S3CRET", "require_auth is not supported"),
        ("sslnegotiation=direct", "sslmode must be require or stronger"),
        ("sslrootcert=system sslmode=require", "sslmode must be verify-full"),
        ("sslmode=verify-full", "needs root certificates"),
        ("sslmode=verify-ca sslrootcert=/nonexistent", "/nonexistent does not exist"),
        ("sslcert=/c", "sslcert needs the key"),
        ("ssl_max_protocol_version=TLSv1.1", "ssl_max_protocol_version must be"),
        ("service=shop", "no service is named \"shop\""),
    ] {
        let error = error(text);
        assert!(error.contains(expected), "{text}: {error}");
        assert!(!error.contains("S3") && !error.contains("CRET"), "{text}: {error}");
    }
}

#[test]
fn a_user_is_needed() {
    let error = ConnInfo::resolve(Some("host=h"), &Environment::default()).unwrap_err();
    assert_eq!(error.message(), "no user is given");
}

#[test]
fn system_roots_mean_verify_full() {
    let info = resolve("host=h sslrootcert=system");
    assert_eq!((info.tls.mode, info.tls.roots), (SslMode::VerifyFull, Roots::System));
}

#[test]
fn text_goes_before_service_before_variables_before_passfile() {
    let folder = Folder::new("precedence");
    let services = folder
        .write("services", "[shop]\nhost=of-service\nport=1\nuser=of-service\ndbname=of-service\n");
    folder.write(".pgpass", "of-text:1:of-service:of-service:of-passfile\n");
    let variables = [
        ("PGSERVICE", "shop"),
        ("PGSERVICEFILE", services.to_str().unwrap()),
        ("PGUSER", "of-variable"),
        ("PGAPPNAME", "of-variable"),
        ("PGTZ", "Europe/Berlin"),
    ];
    let env = Environment::of_variables(variables).with_home(&folder.0);
    let info = ConnInfo::resolve(Some("postgresql://of-text"), &env).unwrap().conninfo;
    assert_eq!(
        info.describe(),
        "database \"of-service\" as user \"of-service\" at of-text:1 (sslmode prefer)"
    );
    assert_eq!(info.application_name, "of-variable");
    assert_eq!(info.options.as_deref(), Some("-c timezone=Europe/Berlin"));
    assert_eq!(password(&info.hosts[0]), Some("of-passfile"));
    let variables = variables.into_iter().chain([("PGPASSWORD", "of-variable")]);
    let env = Environment::of_variables(variables).with_home(&folder.0);
    let info = ConnInfo::of_service("shop", &env).unwrap().conninfo;
    assert_eq!(password(&info.hosts[0]), Some("of-variable"));
}

#[test]
fn each_host_has_its_password_of_the_passfile() {
    let folder = Folder::new("passwords");
    let passfile = folder.write("pass", "a:5432:*:*:one\nlocalhost:*:*:*:two\n/x:*:*:*:three\n");
    let text = format!("host=a,b,/tmp,/x passfile={}", passfile.display());
    let info = resolve(&text);
    let passwords: Vec<_> = info.hosts.iter().map(password).collect();
    assert_eq!(passwords, [Some("one"), None, Some("two"), Some("three")]);
    assert!(!format!("{info:?}").contains("two"));
}

#[test]
fn the_default_host_is_where_the_socket_is() {
    let (first, second) = (Folder::new("first"), Folder::new("second"));
    second.write(".s.PGSQL.5432", "");
    let dirs = [first.0.clone(), second.0.clone()];
    let env = env().with_socket_dirs(dirs);
    let host = |text| ConnInfo::resolve(text, &env).unwrap().conninfo.hosts[0].clone();
    assert_eq!(host(None).address, Address::Socket(second.0.clone()));
    assert_eq!(host(Some("port=1")).address, Address::Socket(first.0.clone()));
    let env = super::tests::env().with_socket_dirs(["/nonexistent".into(), second.0.clone()]);
    let host = ConnInfo::resolve(Some("port=1"), &env).unwrap().conninfo.hosts[0].clone();
    assert_eq!(host.describe(), "localhost:1");
}

#[test]
fn the_home_folder_has_roots_and_certificates() {
    let env = env().with_home("/somebody");
    let tls = ConnInfo::resolve(Some("host=h"), &env).unwrap().conninfo.tls;
    assert_eq!(tls.roots, Roots::File("/somebody/.postgresql/root.crt".into()));
    assert_eq!(tls.revoked, Some(("/somebody/.postgresql/root.crl".into(), false)));
    assert!(!tls.client.unwrap().is_named);
    let none = ConnInfo::resolve(Some("host=h sslcertmode=disable"), &env).unwrap();
    assert_eq!(none.conninfo.tls.client, None);
}

const SECRET: &str = "S3CRET";

/// What a password that was not encoded may have in it.
fn junk() -> impl Strategy<Value = String> {
    proptest::string::string_regex(r"[@/?:&%#\[\]+, '\\a1]{0,6}").unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
        let _ = ConnInfo::resolve(Some(&text), &env());
    }

    #[test]
    fn any_near_uri_is_read_or_refused(text in "(postgres|postgresql\\+a)://[a-c:@/?&=%,\\[\\]0-9]{0,40}") {
        if let Ok(resolved) = ConnInfo::resolve(Some(&text), &env()) {
            prop_assert!(!resolved.conninfo.hosts.is_empty());
        }
    }

    #[test]
    fn an_encoded_password_arrives(password in "\\PC{1,20}") {
        let encoded: String = password.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let info = resolve(&format!("postgresql://app:{encoded}@db1/shop"));
        prop_assert_eq!(super::tests::password(&info.hosts[0]), Some(password.as_str()));
        let quoted = password.replace('\\', r"\\").replace('\'', r"\'");
        let info = resolve(&format!("host=db1 password='{quoted}' user=app"));
        prop_assert_eq!(super::tests::password(&info.hosts[0]), Some(password.as_str()));
    }

    #[test]
    fn no_error_shows_a_raw_password(before in junk(), after in junk()) {
        for text in [
            format!("postgresql://app:{before}{SECRET}{after}@db1:5432/shop"),
            format!("postgresql://app:{before}{SECRET}{after}@db1:5432/shop?sslmode=x"),
            format!("host=db1 password={before}{SECRET}{after} sslmode=x"),
            format!("postgresql://db1/shop?password={before}{SECRET}{after}&sslmode=x"),
        ] {
            if let Err(error) = ConnInfo::resolve(Some(&text), &env()) {
                prop_assert!(!format!("{error} {error:?}").contains(SECRET), "{text}: {error}");
            }
        }
    }
}
