//! TLS with the world, as its client: rustls, trusting whom this host trusts.
//!
//! Where any bytes may go, what the other end's certificate is worth is the guest's affair: it is told what the host thinks
//! of it, and may think otherwise. Where requests are decided it is not: a certificate has to be one for the name, issued by
//! somebody whom the host or the VM's configuration trusts.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use protocol::abi::{NetworkError, NetworkErrorCode, TlsRequest, TlsSession};
use protocol::wire::Bytes;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Whom this host trusts, and the algorithms of TLS.
pub(crate) struct Trust {
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

/// What the other end has to show.
#[derive(Clone, Copy)]
pub(crate) enum Demand<'a> {
    /// Anything: the guest judges.
    None,
    /// A certificate for the name, by an authority of the host's or one of these, in PEM.
    Verified(&'a str),
}

impl Trust {
    /// Reads the authorities of this host; those of Mozilla's program stand in where it has none.
    pub(crate) fn of_this_host() -> Trust {
        let mut roots = RootCertStore::empty();
        // What cannot be read is not trusted.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        Trust { roots: Arc::new(roots), provider: Arc::new(rustls::crypto::ring::default_provider()) }
    }

    /// Speaks TLS on a connection.
    ///
    /// # Errors
    /// The two ends do not agree, or the other end does not show what is demanded.
    pub(crate) async fn start(
        &self,
        world: TcpStream,
        to: IpAddr,
        request: &TlsRequest,
        demand: Demand<'_>,
    ) -> Result<(Box<TlsStream<TcpStream>>, TlsSession), NetworkError> {
        let name = match &request.server_name {
            None => ServerName::IpAddress(to.into()),
            Some(name) => ServerName::try_from(name.clone())
                .map_err(|_| failed(format!("{name:?} is no name that TLS can ask for")))?,
        };
        let verifier = Arc::new(self.verifier(request, demand)?);
        let config = self.config(request, verifier.clone())?;
        let stream = TlsConnector::from(Arc::new(config))
            .connect(name.clone(), world)
            .await
            .map_err(|error| failure(&error, &name, &verifier))?;
        let stream = Box::new(stream);
        let (_, connection) = stream.get_ref();
        let Seen { chain, distrusted } = std::mem::take(&mut *verifier.seen.lock());
        let session = TlsSession {
            version: connection.protocol_version().map_or(0, u16::from),
            cipher: connection.negotiated_cipher_suite().map_or(0, |suite| suite.suite().into()),
            group: connection.negotiated_key_exchange_group().map(|group| group.name().into()),
            protocol: connection.alpn_protocol().map(|name| name.to_vec().into()),
            chain,
            distrusted,
        };
        match session.fits() {
            true => Ok((stream, session)),
            false => Err(failed("excessive message size")),
        }
    }

    fn verifier(&self, request: &TlsRequest, demand: Demand<'_>) -> Result<Verifier, NetworkError> {
        let (roots, is_binding) = match demand {
            Demand::None if request.authorities.is_empty() => (self.roots.clone(), false),
            Demand::None => (with(RootCertStore::empty(), certificates(&request.authorities))?, false),
            Demand::Verified("") => (self.roots.clone(), true),
            Demand::Verified(more) => {
                let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(more.as_bytes()).collect();
                let more = read.map_err(|error| failed(format!("network.extraCaCerts: {error}")))?;
                (with(RootCertStore::clone(&self.roots), more)?, true)
            }
        };
        let algorithms = self.provider.signature_verification_algorithms;
        Ok(Verifier { roots, algorithms, is_binding, seen: Mutex::default() })
    }

    fn config(&self, request: &TlsRequest, verifier: Arc<Verifier>) -> Result<ClientConfig, NetworkError> {
        let known: [&'static SupportedProtocolVersion; 2] =
            [&rustls::version::TLS13, &rustls::version::TLS12];
        let wanted = request.oldest..=request.newest;
        let versions: Vec<_> =
            known.into_iter().filter(|known| wanted.contains(&u16::from(known.version))).collect();
        let config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&versions)
            .map_err(|_| failed("no protocols available"))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match &request.identity {
            None => config.with_no_client_auth(),
            Some(identity) => {
                let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key.0.clone()));
                config
                    .with_client_auth_cert(certificates(&identity.chain), key)
                    .map_err(|error| failed(format!("the certificate cannot be shown: {error}")))?
            }
        };
        config.alpn_protocols = request.protocols.iter().map(|one| one.0.clone()).collect();
        // A ticket would tell the server that two VMs have one host.
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

/// Why a handshake came to nothing.
fn failure(error: &io::Error, name: &ServerName<'_>, verifier: &Verifier) -> NetworkError {
    let Some(error) = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) else {
        let text = match error.kind() {
            io::ErrorKind::UnexpectedEof => "the other end closed it during the handshake of TLS".to_owned(),
            _ => format!("it was lost during the handshake of TLS: {error}"),
        };
        return NetworkError::new(NetworkErrorCode::Reset, text);
    };
    if matches!(error, rustls::Error::InvalidCertificate(_)) && verifier.is_binding {
        let reason = verifier.seen.lock().distrusted.clone().unwrap_or_default();
        let text = format!(
            "{reason}: the certificate of {} is not to be trusted ({error}); where permissions.network decides requests \
             certificates are verified outside the VM, by the authorities of this host and network.extraCaCerts",
            name.to_str()
        );
        return NetworkError::new(NetworkErrorCode::Certificate, text);
    }
    failed(reason(error))
}

/// TLS did not come about, for what OpenSSL calls this.
fn failed(reason: impl Into<String>) -> NetworkError {
    NetworkError::new(NetworkErrorCode::Handshake, reason)
}

fn certificates(all: &[Bytes]) -> Vec<CertificateDer<'static>> {
    all.iter().map(|one| CertificateDer::from(one.0.clone())).collect()
}

fn with(
    mut roots: RootCertStore,
    more: Vec<CertificateDer<'static>>,
) -> Result<Arc<RootCertStore>, NetworkError> {
    for certificate in more {
        roots.add(certificate).map_err(|error| failed(format!("an authority is no certificate: {error}")))?;
    }
    Ok(Arc::new(roots))
}

/// Sees what the other end shows.
#[derive(Debug)]
struct Verifier {
    roots: Arc<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
    /// What it finds decides; it is only noted otherwise.
    is_binding: bool,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    chain: Vec<Bytes>,
    distrusted: Option<String>,
}

impl Verifier {
    fn judge(
        &self,
        end_entity: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        let parsed = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, others, now, self.algorithms.all)?;
        if self.is_binding {
            verify_server_name(&parsed, name)?;
        }
        Ok(())
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let judged = self.judge(end_entity, others, name, now);
        let mut seen = self.seen.lock();
        seen.chain = std::iter::once(end_entity).chain(others).map(|one| one.to_vec().into()).collect();
        seen.distrusted = judged.as_ref().err().map(|error| distrust(error, end_entity, others).to_owned());
        match judged {
            Err(error) if self.is_binding => Err(error),
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// OpenSSL's name of why a certificate is not trusted (`X509_verify_cert_error_string`), as Node has it.
fn distrust(
    error: &rustls::Error,
    end_entity: &CertificateDer<'_>,
    others: &[CertificateDer<'_>],
) -> &'static str {
    let rustls::Error::InvalidCertificate(error) = error else { return "CERT_REJECTED" };
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "CERT_HAS_EXPIRED",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "CERT_NOT_YET_VALID",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "ERR_TLS_CERT_ALTNAME_INVALID"
        }
        CertificateError::Revoked => "CERT_REVOKED",
        CertificateError::BadSignature => "CERT_SIGNATURE_FAILURE",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "INVALID_PURPOSE"
        }
        CertificateError::UnknownIssuer => match others.last() {
            None if is_self_issued(end_entity) => "DEPTH_ZERO_SELF_SIGNED_CERT",
            None => "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            Some(last) if is_self_issued(last) => "SELF_SIGNED_CERT_IN_CHAIN",
            Some(_) => "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
        },
        // As most that people make for themselves: they may issue others, and are not taken for a server's here.
        _ if others.is_empty() && is_self_issued(end_entity) => "DEPTH_ZERO_SELF_SIGNED_CERT",
        _ => "CERT_REJECTED",
    }
}

fn is_self_issued(certificate: &CertificateDer<'_>) -> bool {
    webpki::EndEntityCert::try_from(certificate).is_ok_and(|parsed| parsed.subject() == parsed.issuer())
}

/// OpenSSL's words for why there was no agreement, as far as it has some (`ssl/ssl_err.c`).
fn reason(error: &rustls::Error) -> String {
    match error {
        rustls::Error::AlertReceived(alert) => alert_reason(*alert).to_owned(),
        rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType)
        | rustls::Error::InvalidMessage(rustls::InvalidMessage::UnknownProtocolVersion) => {
            "wrong version number".to_owned()
        }
        rustls::Error::PeerIncompatible(_) => "unsupported protocol".to_owned(),
        rustls::Error::InvalidMessage(_) => "packet length too long".to_owned(),
        rustls::Error::InappropriateMessage { .. } | rustls::Error::InappropriateHandshakeMessage { .. } => {
            "unexpected message".to_owned()
        }
        error => error.to_string(),
    }
}

fn alert_reason(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::CloseNotify => "application data after close notify",
        AlertDescription::UnexpectedMessage => "ssl/tls alert unexpected message",
        AlertDescription::BadRecordMac => "ssl/tls alert bad record mac",
        AlertDescription::RecordOverflow => "tlsv1 alert record overflow",
        AlertDescription::HandshakeFailure => "ssl/tls alert handshake failure",
        AlertDescription::BadCertificate => "ssl/tls alert bad certificate",
        AlertDescription::UnsupportedCertificate => "ssl/tls alert unsupported certificate",
        AlertDescription::CertificateRevoked => "ssl/tls alert certificate revoked",
        AlertDescription::CertificateExpired => "ssl/tls alert certificate expired",
        AlertDescription::CertificateUnknown => "ssl/tls alert certificate unknown",
        AlertDescription::IllegalParameter => "ssl/tls alert illegal parameter",
        AlertDescription::UnknownCA => "tlsv1 alert unknown ca",
        AlertDescription::AccessDenied => "tlsv1 alert access denied",
        AlertDescription::DecodeError => "tlsv1 alert decode error",
        AlertDescription::DecryptError => "tlsv1 alert decrypt error",
        AlertDescription::ProtocolVersion => "tlsv1 alert protocol version",
        AlertDescription::InsufficientSecurity => "tlsv1 alert insufficient security",
        AlertDescription::InternalError => "tlsv1 alert internal error",
        AlertDescription::InappropriateFallback => "tlsv1 alert inappropriate fallback",
        AlertDescription::UserCanceled => "tlsv1 alert user cancelled",
        AlertDescription::NoRenegotiation => "tlsv1 alert no renegotiation",
        AlertDescription::MissingExtension => "tlsv13 alert missing extension",
        AlertDescription::UnsupportedExtension => "tlsv1 unsupported extension",
        AlertDescription::UnrecognisedName => "tlsv1 unrecognized name",
        AlertDescription::BadCertificateStatusResponse => "tlsv1 bad certificate status response",
        AlertDescription::UnknownPSKIdentity => "tlsv1 alert unknown psk identity",
        AlertDescription::CertificateRequired => "tlsv13 alert certificate required",
        AlertDescription::NoApplicationProtocol => "tlsv1 alert no application protocol",
        _ => "unknown alert type",
    }
}
