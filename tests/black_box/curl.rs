//! `curl` and `wget` of a VM: against what curl answered to the same cases (`tests/curl/`), and what no curl has to answer.

use std::time::Duration;

use cordon::client::{Call, Vm};
use cordon::wire::{ExecutionOptions, VmRequest};
use serde_json::json;

use crate::common::{default_vm, sh, vm};
use crate::shell::all_answer;

/// The server of the cases.
const SERVER: &str = include_str!("../curl/server.mjs");

/// A VM in which that server listens.
async fn serving() -> (Vm, Call) {
    serving_in(default_vm().await).await
}

async fn serving_in(vm: Vm) -> (Vm, Call) {
    vm.write_file("/tmp/server.mjs", SERVER).await.unwrap();
    let args = ["/tmp/server.mjs", "8000", "8001"].map(str::to_owned).to_vec();
    let options = ExecutionOptions { args, ..ExecutionOptions::default() };
    let server = vm.start(VmRequest::Spawn { command: "node".into(), options }).unwrap();
    for port in [8000, 8001] {
        vm.connect_within(port, Duration::from_secs(60)).await.unwrap();
    }
    (vm, server)
}

#[tokio::test]
async fn curl_answers_as_curl_does() {
    let (vm, _server) = serving().await;
    all_answer(&vm, "sh", "tests/curl").await;
}

/// What a line prints, its errors among it, and its exit code.
async fn answered(vm: &Vm, line: &str) -> (String, Option<i32>) {
    let result = sh(vm, &format!("exec 2>&1; {line}")).await;
    (result.stdout.to_text(), result.exit_code)
}

#[tokio::test]
async fn what_curl_does_not_have_here_is_said() {
    let vm = default_vm().await;
    for (options, why) in [
        ("-x http://p:1", "option -x, --proxy: a VM has no proxies"),
        ("--resolve h:1:127.0.0.1", "option --resolve: what a name stands for is looked up outside the VM"),
        ("--digest -u a:b", "option --digest: of authentication there are Basic (-u) and Bearer"),
        ("--unix-socket /s", "option --unix-socket: it is not there"),
    ] {
        let (said, status) = answered(&vm, &format!("curl {options} http://127.0.0.1:1/")).await;
        assert!(said.starts_with(&format!("curl: (4) {why}")), "{said}");
        assert_eq!(status, Some(4));
    }
    let (said, status) = answered(&vm, "curl 'http://127.0.0.1/{a,b}'").await;
    assert!(said.contains("sets and ranges are not there"), "{said}");
    assert_eq!(status, Some(3));
}

#[tokio::test]
async fn wget_takes_files() {
    let (vm, _server) = serving().await;
    let script = "mkdir -p /tmp/w; cd /tmp/w; wget -q http://127.0.0.1:8000/status/200; cat 200; \
        wget -q http://127.0.0.1:8000/status/200; ls; wget -qO- http://127.0.0.1:8000/status/201; \
        wget -q -O f 'http://127.0.0.1:8000/redirect/302?to=/status/200'; cat f; \
        wget -nv -P d 'http://127.0.0.1:8000/chunked'; ls d; wget -q http://127.0.0.1:8000/status/404; echo $?; \
        wget -qO- --header 'X-A: b' --user-agent=me http://127.0.0.1:8000/echo; wget -q http://127.0.0.1:9/; echo $?";
    let (said, _) = answered(&vm, script).await;
    let expected = "the page\n200\n200.1\nthe page\nthe page\nhttp://127.0.0.1:8000/chunked -> \"d/chunked\" [14]\n\
        chunked\nwget: The requested URL returned error: 404\n8\n\
        GET /echo HTTP/1.1\nHost: 127.0.0.1:8000\nUser-Agent: me\nAccept: */*\nX-A: b\n\n";
    assert!(said.starts_with(expected), "{said}");
    assert!(said.ends_with("Couldn't connect to server\n4\n"), "{said}");
}

/// Ends with the call, whatever it waits for.
#[tokio::test]
async fn curl_is_ended_while_it_waits() {
    let (vm, _server) = serving().await;
    for path in ["hang", "slowly"] {
        let script = format!(
            "curl -s http://127.0.0.1:8000/{path} & sleep 0.3; kill $!; wait $!; echo $?; \
             timeout 0.3 curl -s http://127.0.0.1:8000/{path}; echo $?"
        );
        let (said, _) = answered(&vm, &script).await;
        assert_eq!(said.replace("abc", ""), "143\n124\n", "{path}");
    }
}

/// What comes and what goes is never as a whole in the program's memory, which is far smaller.
#[tokio::test]
async fn bodies_of_any_size_go_through() {
    let small = vm(json!({ "limits": { "commandMemoryBytes": 16 << 20 } })).await;
    let (vm, _server) = serving_in(small).await;
    let script = "curl -s 'http://127.0.0.1:8000/large?n=400000000' | wc -c; \
        head -c 400000000 /dev/zero | curl -s -T - http://127.0.0.1:8000/count";
    let (said, _) = answered(&vm, script).await;
    assert_eq!(said, "400000000\n400000000\n");
}
