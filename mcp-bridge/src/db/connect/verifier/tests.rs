use super::*;

#[test]
fn a_star_stands_for_one_label() {
    for (pattern, host, fits) in [
        ("*.example.com", "db1.example.com", true),
        ("*.Example.com", "db1.eXample.com", true),
        ("*.example.com", "a.db1.example.com", false),
        ("*.example.com", "example.com", false),
        ("*.example.com", ".example.com", false),
        ("d*.example.com", "db1.example.com", false),
        ("*", "localhost", false),
        ("", "", false),
    ] {
        assert_eq!(wildcard_fits(pattern, host), fits, "{pattern} {host}");
    }
}

#[test]
fn what_is_no_certificate_is_for_nobody() {
    let name = ServerName::try_from("localhost").unwrap();
    let certificate = CertificateDer::from(vec![0x30, 0x03, 1, 2, 3]);
    assert!(!common_name_fits(&certificate, &name));
    assert!(check_validity(&certificate, UnixTime::now()).is_err());
    assert!(check_name(&certificate, &name).is_err());
}
