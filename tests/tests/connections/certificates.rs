//! Authorities and certificates, made with the program openssl.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// A folder with certificates, each `NAME.crt` with its `NAME.key`.
#[derive(Debug)]
pub(crate) struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// In a new folder, which belongs to us.
    pub(crate) fn new(folder: PathBuf) -> Result<Self> {
        fs::create_dir(&folder)?;
        Ok(Self { folder })
    }

    /// The certificate's file.
    pub(crate) fn certificate(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.crt"))
    }

    /// The key's file, for its owner only.
    pub(crate) fn key(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.key"))
    }

    /// A file that is neither.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// An authority, or a server that is its own: self-signed.
    pub(crate) fn self_signed(&self, name: &str, common_name: &str) -> Result<()> {
        self.key_and_subject(
            &["req", "-x509", "-days", "2", "-addext", "basicConstraints=critical,CA:TRUE"],
            name,
            common_name,
            &self.certificate(name),
        )
    }

    /// A certificate of `authority`; without extensions it is of X.509 version 1.
    pub(crate) fn signed(
        &self,
        name: &str,
        common_name: &str,
        authority: &str,
        extensions: &str,
    ) -> Result<()> {
        let request = self.folder.join(format!("{name}.csr"));
        self.key_and_subject(&["req"], name, common_name, &request)?;
        let mut command = Command::new("openssl");
        if extensions.is_empty() && asked_for_version_1()? {
            // Its own configuration would add extensions.
            let config = self.folder.join("version1.cnf");
            fs::write(&config, "[req]\ndistinguished_name = name\n[name]\n")?;
            command.args(["req", "-x509", "-x509v1", "-config"]).arg(config);
        } else {
            command.args(["x509", "-req", "-CAcreateserial"]);
        }
        command
            .args(["-days", "2", "-in"])
            .arg(&request)
            .arg("-CA")
            .arg(self.certificate(authority))
            .arg("-CAkey")
            .arg(self.key(authority))
            .arg("-out")
            .arg(self.certificate(name));
        if !extensions.is_empty() {
            let file = self.folder.join(format!("{name}.ext"));
            fs::write(&file, extensions)?;
            command.arg("-extfile").arg(file);
        }
        run(&mut command)
    }

    /// A list of `authority` that has the certificate `name` revoked, as `NAME.crl`.
    pub(crate) fn revoke(&self, name: &str, authority: &str) -> Result<PathBuf> {
        let (list, index) = (self.file(&format!("{name}.crl")), self.file("index.txt"));
        let config = self.file("ca.cnf");
        fs::write(&index, "")?;
        let number = self.file("crlnumber");
        fs::write(&number, "01\n")?;
        fs::write(
            &config,
            format!(
                "[ca]\ndefault_ca = own\n[own]\ndatabase = {}\ndefault_md = sha256\n\
                 crlnumber = {}\ncrl_extensions = list\n\
                 [list]\nauthorityKeyIdentifier = keyid\n",
                index.display(),
                number.display()
            ),
        )?;
        let ca = || {
            let mut command = Command::new("openssl");
            command.arg("ca").arg("-config").arg(&config).arg("-cert");
            command.arg(self.certificate(authority)).arg("-keyfile").arg(self.key(authority));
            command
        };
        run(ca().arg("-revoke").arg(self.certificate(name)))?;
        run(ca().args(["-gencrl", "-crldays", "2", "-out"]).arg(&list))?;
        Ok(list)
    }

    fn key_and_subject(
        &self,
        request: &[&str],
        name: &str,
        common_name: &str,
        out: &Path,
    ) -> Result<()> {
        let subject = format!("/CN={common_name}");
        let mut command = Command::new("openssl");
        command
            .args(request)
            .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
            .args(["-subj", &subject, "-keyout"])
            .arg(self.key(name))
            .arg("-out")
            .arg(out);
        run(&mut command)?;
        fs::set_permissions(self.key(name), Permissions::from_mode(0o600))?;
        Ok(())
    }
}

/// Whether openssl has to be told to make a certificate of version 1: it makes none by itself any more.
fn asked_for_version_1() -> Result<bool> {
    let help = Command::new("openssl").args(["req", "-help"]).output().context("run openssl")?;
    Ok([help.stdout, help.stderr]
        .iter()
        .any(|text| String::from_utf8_lossy(text).contains("-x509v1")))
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().context("run openssl")?;
    ensure!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
