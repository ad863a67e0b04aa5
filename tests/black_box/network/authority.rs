//! An authority of certificates for tests, and servers that show what it has issued.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use parking_lot::Mutex;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::{Acceptor, WebPkiClientVerifier};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: CertificateDer<'static>,
    /// Its certificate, in PEM.
    pub pem: String,
}

/// A certificate and its key.
pub struct Issued {
    pub der: CertificateDer<'static>,
    pub pem: String,
    pub key_pem: String,
    key: Vec<u8>,
}

impl Authority {
    pub fn new() -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "Authority of tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let (pem, der) = (certificate.pem(), certificate.der().clone());
        Authority { issuer: Issuer::new(params, key), der, pem }
    }

    /// A certificate for names and addresses.
    pub fn issue(&self, names: &[&str]) -> Issued {
        self.issue_with(names, |_| {})
    }

    pub fn issue_with(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names.clone()).unwrap();
        params.distinguished_name.push(DnType::CommonName, names[0].clone());
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let (key_pem, key_der) = (key.serialize_pem(), key.serialize_der());
        Issued { der: certificate.der().clone(), pem: certificate.pem(), key_pem, key: key_der }
    }

    /// A server's configuration with a certificate; with `of_clients` clients have to show one of this authority's.
    pub fn config(&self, issued: &Issued, protocols: &[&str], of_clients: bool) -> ServerConfig {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(issued.key.clone()));
        let builder = ServerConfig::builder_with_provider(Arc::new(
            tokio_rustls::rustls::crypto::ring::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .unwrap();
        let builder = match of_clients {
            false => builder.with_no_client_auth(),
            true => {
                let mut roots = RootCertStore::empty();
                roots.add(self.der.clone()).unwrap();
                let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let mut config = builder.with_single_cert(vec![issued.der.clone()], key).unwrap();
        config.alpn_protocols = protocols.iter().map(|one| one.as_bytes().to_vec()).collect();
        config
    }
}

/// What a server has seen of those who began TLS with it: the name that was asked for, and the numbers of the ciphers.
pub type Greetings = Arc<Mutex<Vec<(Option<String>, Vec<u16>)>>>;

/// Speaks TLS with whoever connects, and serves each with `serve`.
pub async fn serve_tls<F: Future<Output = ()> + Send + 'static>(
    at: impl Into<IpAddr>,
    config: ServerConfig,
    serve: impl Fn(TlsStream<TcpStream>) -> F + Clone + Send + Sync + 'static,
) -> (SocketAddr, Greetings) {
    let listener = TcpListener::bind((at.into(), 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let greetings = Greetings::default();
    let (seen, config) = (greetings.clone(), Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (seen, config, serve) = (seen.clone(), config.clone(), serve.clone());
            tokio::spawn(async move {
                if let Some(stream) = accept(stream, &config, &seen).await {
                    serve(stream).await;
                }
            });
        }
    });
    (address, greetings)
}

/// Speaks TLS on a connection, as its server.
pub async fn accept(
    stream: TcpStream,
    config: &Arc<ServerConfig>,
    greetings: &Greetings,
) -> Option<TlsStream<TcpStream>> {
    let greeted = LazyConfigAcceptor::new(Acceptor::default(), stream).await.ok()?;
    let hello = greeted.client_hello();
    let ciphers = hello.cipher_suites().iter().map(|suite| u16::from(*suite)).collect();
    greetings.lock().push((hello.server_name().map(str::to_owned), ciphers));
    greeted.into_stream(config.clone()).await.ok()
}
