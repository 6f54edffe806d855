//! A company's network: one proxy, which is the only way to the clouds' public names, and what stands in the way there.
//!
//! The proxy opens TLS with certificates of the company's own authority, as inspecting proxies do. It leads to the
//! sandbox, or answers in its place: with a page of the network, or with a demand to sign in.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_RSA_SHA256, RsaKeySize, date_time_ymd,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use url::Url;

use crate::faults::Status;

/// No head of a request is longer than this.
const LONGEST_HEAD: usize = 16 << 10;

/// How clients ask the proxy for a way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `CONNECT` of HTTP.
    Http,
    /// SOCKS 5, with names that the proxy looks up.
    Socks,
}

/// The time of the proxy's certificates, or the name in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificates {
    /// Good now, for the name that is asked for.
    Good,
    /// Expired years ago.
    Expired,
    /// Good in many years.
    Early,
    /// For another name.
    Foreign,
}

/// What a company's network is like.
#[derive(Clone, Debug)]
pub struct Rules {
    /// How clients ask.
    pub protocol: Protocol,
    /// The only user and password that the proxy lets through, as `user:password`.
    pub sign_in: Option<String>,
    /// What its certificates are like.
    pub certificates: Certificates,
    /// What is answered in place of every server.
    pub page: Option<Status>,
    /// What is wrong with the proxy itself.
    pub trouble: Option<ProxyTrouble>,
}

/// What is wrong with a proxy that takes connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyTrouble {
    /// SOCKS 5: it leads nowhere, for the reason with this number (RFC 1928, section 6).
    Reply(u8),
    /// It ends every connection at once.
    HangsUp,
    /// It says nothing.
    Silent,
    /// It is a server of another kind, which answers with a page.
    OtherServer,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            protocol: Protocol::Http,
            sign_in: None,
            certificates: Certificates::Good,
            page: None,
            trouble: None,
        }
    }
}

/// The network, until it is dropped.
pub struct Company {
    address: SocketAddr,
    protocol: Protocol,
    authority: Arc<CertificateAuthority>,
    rules: Arc<Mutex<Rules>>,
    names: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

/// The company's certificate authority.
struct CertificateAuthority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Company {
    /// Starts the proxy. It leads to the servers of these names.
    ///
    /// # Errors
    /// When no port is free.
    ///
    /// # Panics
    /// When no certificate can be made.
    pub async fn start(names: HashMap<String, SocketAddr>, rules: Rules) -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let address = listener.local_addr()?;
        let protocol = rules.protocol;
        let authority = Arc::new(CertificateAuthority::new().expect("a certificate of its own"));
        let (rules, asked) = (Arc::new(Mutex::new(rules)), Arc::new(Mutex::default()));
        let door = CompanyProxy {
            servers: Arc::new(names),
            authority: Arc::clone(&authority),
            rules: Arc::clone(&rules),
            names: Arc::clone(&asked),
        };
        Ok(Self {
            address,
            protocol,
            authority,
            rules,
            names: asked,
            task: tokio::spawn(accept(listener, door)),
        })
    }

    /// The proxy as `HTTPS_PROXY` or `ALL_PROXY` names it.
    pub fn proxy(&self) -> String {
        match self.protocol {
            Protocol::Http => format!("http://{}", self.address),
            Protocol::Socks => format!("socks5h://{}", self.address),
        }
    }

    /// As `proxy`, with the user and the password that it lets through.
    ///
    /// # Panics
    /// When they fit no address.
    pub fn proxy_with_sign_in(&self) -> String {
        let mut url = Url::parse(&self.proxy()).expect("an address");
        let rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((user, password)) = rules
            .sign_in
            .as_deref()
            .and_then(|text| text.split_once(':'))
        {
            url.set_username(user).expect("a proxy may have a user");
            url.set_password(Some(password)).expect("and a password");
        }
        url.into()
    }

    /// The proxy's address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate of the company's authority, in PEM form.
    pub fn ca(&self) -> &str {
        &self.authority.pem
    }

    /// Changes the network, for connections that begin from now on.
    pub fn change(&self, change: impl FnOnce(&mut Rules)) {
        change(&mut self.rules.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The names that the proxy was asked to lead to, the oldest first.
    pub fn names(&self) -> Vec<String> {
        self.names
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Company {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl CertificateAuthority {
    fn new() -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "Company CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        // RSA, as companies' authorities are: wine takes some good signatures of elliptic curves for bad ones.
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self {
            pem,
            issuer: Issuer::new(params, key),
        })
    }

    /// TLS as the server of this name.
    fn server(&self, name: &str, certificates: Certificates) -> Result<ServerConfig, rcgen::Error> {
        let name = match certificates {
            Certificates::Foreign => "elsewhere.example",
            _ => name,
        };
        let mut params = CertificateParams::new([name.to_owned()])?;
        match certificates {
            Certificates::Expired => params.not_after = date_time_ymd(2001, 1, 1),
            Certificates::Early => params.not_before = date_time_ymd(2090, 1, 1),
            Certificates::Good | Certificates::Foreign => {}
        }
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder
                    .with_no_client_auth()
                    .with_single_cert(vec![certificate.der().clone()], key)
            });
        Ok(config.expect("a fresh key and its certificate make a server"))
    }
}

#[derive(Clone)]
struct CompanyProxy {
    servers: Arc<HashMap<String, SocketAddr>>,
    authority: Arc<CertificateAuthority>,
    rules: Arc<Mutex<Rules>>,
    names: Arc<Mutex<Vec<String>>>,
}

async fn accept(listener: TcpListener, door: CompanyProxy) {
    // Dropping the set, when this task is aborted, closes every connection.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let door = door.clone();
                // A client that goes away ends its connection, which is no failure.
                connections.spawn(async move { let _ = door.serve(stream).await; });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

impl CompanyProxy {
    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let rules = self
            .rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let sign_in = rules.sign_in.as_deref();
        let reply = match rules.trouble {
            None => 0,
            Some(ProxyTrouble::Reply(reply)) => reply,
            Some(ProxyTrouble::HangsUp) => return Ok(()),
            Some(ProxyTrouble::Silent) => std::future::pending().await,
            Some(ProxyTrouble::OtherServer) => {
                let page =
                    "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                stream.write_all(page.as_bytes()).await?;
                return stream.shutdown().await;
            }
        };
        let name = match rules.protocol {
            Protocol::Http => connect(&mut stream, sign_in).await?,
            Protocol::Socks => socks(&mut stream, sign_in, reply).await?,
        };
        self.names
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(name.clone());
        let config = self
            .authority
            .server(&name, rules.certificates)
            .map_err(io::Error::other)?;
        let mut inside = TlsAcceptor::from(Arc::new(config)).accept(stream).await?;
        if let Some(page) = &rules.page {
            head(&mut inside).await?;
            inside.write_all(in_full(page).as_bytes()).await?;
            return inside.shutdown().await;
        }
        let server = self.servers.get(&name).ok_or(io::ErrorKind::NotFound)?;
        let mut server = TcpStream::connect(server).await?;
        copy_bidirectional(&mut inside, &mut server).await.map(drop)
    }
}

/// Reads `CONNECT name:port` and agrees, or asks for a sign-in.
async fn connect(stream: &mut TcpStream, sign_in: Option<&str>) -> io::Result<String> {
    let asked = head(stream).await?;
    let wanted = sign_in.map(|sign_in| format!("Basic {}", STANDARD.encode(sign_in)));
    let given = asked.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("proxy-authorization")
            .then(|| value.trim().to_owned())
    });
    if wanted.is_some() && wanted != given {
        let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"company\"\r\n\
                       Content-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(refusal.as_bytes()).await?;
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let target = asked
        .split(' ')
        .nth(1)
        .and_then(|target| target.rsplit_once(':'));
    let (name, _) = target.ok_or(io::ErrorKind::InvalidData)?;
    stream
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .await?;
    Ok(name.to_owned())
}

/// Reads a request of SOCKS 5 for a name (RFC 1928), after a user and a password (RFC 1929) where they are wanted.
async fn socks(stream: &mut TcpStream, sign_in: Option<&str>, reply: u8) -> io::Result<String> {
    let [_version, count] = octets::<2>(stream).await?;
    let mut methods = vec![0; count.into()];
    stream.read_exact(&mut methods).await?;
    let method = if sign_in.is_some() { 2 } else { 0 };
    if !methods.contains(&method) {
        stream.write_all(&[5, 0xff]).await?;
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    stream.write_all(&[5, method]).await?;
    if let Some(sign_in) = sign_in {
        let [_version, length] = octets::<2>(stream).await?;
        let user = text(stream, length).await?;
        let [length] = octets::<1>(stream).await?;
        let is_right = format!("{user}:{}", text(stream, length).await?) == sign_in;
        stream.write_all(&[1, u8::from(!is_right)]).await?;
        if !is_right {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
    }
    let [_version, _command, _, kind] = octets::<4>(stream).await?;
    // An address instead of a name: the client looked it up itself, which this network does not know.
    if kind != 3 {
        stream.write_all(&[5, 8, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
        return Err(io::ErrorKind::Unsupported.into());
    }
    let [length] = octets::<1>(stream).await?;
    let name = text(stream, length).await?;
    octets::<2>(stream).await?;
    stream
        .write_all(&[5, reply, 0, 1, 0, 0, 0, 0, 0, 0])
        .await?;
    if reply != 0 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(name)
}

async fn octets<const N: usize>(stream: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut octets = [0; N];
    stream.read_exact(&mut octets).await?;
    Ok(octets)
}

async fn text(stream: &mut TcpStream, length: u8) -> io::Result<String> {
    let mut bytes = vec![0; length.into()];
    stream.read_exact(&mut bytes).await?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

/// The head of a request, to its empty line.
async fn head(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == LONGEST_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.push(stream.read_u8().await?);
    }
    String::from_utf8(head).map_err(io::Error::other)
}

fn in_full(page: &Status) -> String {
    let location = page.location.as_ref();
    let location = location.map_or_else(String::new, |to| format!("Location: {to}\r\n"));
    format!(
        "HTTP/1.1 {} Network\r\nContent-Type: text/html\r\n{location}Content-Length: {}\r\nConnection: close\r\n\r\n{}",
        page.code,
        page.body.len(),
        page.body
    )
}

/// The client of a user inside the network.
pub(crate) fn client(company: &Company) -> reqwest::ClientBuilder {
    let ca = reqwest::Certificate::from_pem(company.ca().as_bytes()).expect("a certificate");
    let proxy = reqwest::Proxy::all(company.proxy_with_sign_in()).expect("an address");
    let own = reqwest::NoProxy::from_string("127.0.0.0/8,localhost");
    reqwest::Client::builder()
        .tls_certs_only([ca])
        .proxy(proxy.no_proxy(own))
}
