//! Checks which user's program is at the other end of a loopback connection.
//!
//! Linux lists the owner of every socket. The table is read on a blocking thread, once for all waiting connections,
//! so that a flood costs only a few reads. Other systems have no such table, and the secrets alone protect.

#[cfg(target_os = "linux")]
pub(super) use linux::admitted;

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::HashMap;
    use std::net::{IpAddr, SocketAddr};

    use tokio::net::TcpStream;
    use tokio::task::spawn_blocking;

    /// The number of reads for a connection that is not in the table: the kernel may skip a row while others change.
    const ATTEMPTS: usize = 3;

    /// The user of each socket that a program has, by its own address and the one that it is connected to.
    type Owners = HashMap<(String, String), u32>;

    /// Keeps the connections of this user and of the administrator, who can read every program's memory anyway. A
    /// connection that the system does not list is refused, and so is every one when the table cannot be read.
    pub(in crate::loopback) async fn admitted(waiting: Vec<TcpStream>) -> Vec<TcpStream> {
        let mut unknown: Vec<TcpStream> = waiting;
        let mut admitted = Vec::new();
        for _ in 0..ATTEMPTS {
            if unknown.is_empty() {
                break;
            }
            let Ok(owners) = spawn_blocking(read_owners).await else {
                break;
            };
            let ours = rustix::process::getuid().as_raw();
            let mut missed = Vec::new();
            for stream in unknown {
                let ends = stream.peer_addr().ok().zip(stream.local_addr().ok());
                let uid = ends.map(|(from, to)| owner(&owners, from, to));
                match uid {
                    Some(Some(uid)) if uid == ours || uid == 0 => admitted.push(stream),
                    Some(None) => missed.push(stream),
                    // Another user's, or already closed.
                    Some(Some(_)) | None => {}
                }
            }
            unknown = missed;
        }
        if !unknown.is_empty() {
            tracing::warn!(
                refused = unknown.len(),
                "connections to a loopback port were refused because their user is unknown"
            );
        }
        admitted
    }

    fn read_owners() -> Owners {
        let mut owners = Owners::new();
        for path in ["/proc/net/tcp", "/proc/net/tcp6"] {
            let table = std::fs::read_to_string(path).unwrap_or_default();
            owners.extend(table.lines().filter_map(row));
        }
        owners
    }

    /// A row of a table (proc_net_tcp in the kernel's documentation). A socket without a program has inode 0 and is
    /// listed as the administrator's, so it has no owner here: a flood leaves tens of thousands of those.
    fn row(line: &str) -> Option<((String, String), u32)> {
        let mut columns = line.split_ascii_whitespace().skip(1);
        let (local, remote) = (columns.next()?, columns.next()?);
        let mut columns = columns.skip(4);
        let (uid, inode) = (columns.next()?, columns.nth(1)?);
        if inode == "0" {
            return None;
        }
        let ends = (local.to_owned(), remote.to_owned());
        Some((ends, uid.parse().ok()?))
    }

    /// The user of the socket that is bound to `from` and connected to `to`.
    fn owner(owners: &Owners, from: SocketAddr, to: SocketAddr) -> Option<u32> {
        let mut ends = spellings(from).into_iter().zip(spellings(to));
        ends.find_map(|ends| owners.get(&ends).copied())
    }

    /// An address in the kernel's format: words in the machine's byte order, then the port. An IPv6 socket that uses
    /// IPv4 has the same address behind a prefix.
    fn spellings(address: SocketAddr) -> Vec<String> {
        let written = |octets: &[u8]| -> String {
            octets
                .chunks_exact(4)
                .map(|word| {
                    format!(
                        "{:08X}",
                        u32::from_ne_bytes(word.try_into().unwrap_or_default())
                    )
                })
                .chain([format!(":{:04X}", address.port())])
                .collect()
        };
        match address.ip() {
            IpAddr::V4(ip) => vec![
                written(&ip.octets()),
                written(&ip.to_ipv6_mapped().octets()),
            ],
            IpAddr::V6(ip) => vec![written(&ip.octets())],
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        const TABLES: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0 100 0 0 10 0
   1: 0100007F:C001 0100007F:1F90 01 00000000:00000000 00:00000000 00000000 65534        0 2 1 0 20 4 30 10 -1
   2: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 3 1 0 20 4 30 10 -1
   3: 0100007F:C004 0100007F:1F90 05 00000000:00000000 00:00000000 00000000     0        0 0 1 0 20 4 30 10 -1
   0: 0000000000000000FFFF00000100007F:C002 0000000000000000FFFF00000100007F:1F90 01 00000000:00000000 00:00000000 00000000   501        0 4 1
   1: 00000000000000000000000001000000:C005 00000000000000000000000001000000:1F90 01 00000000:00000000 00:00000000 00000000   502        0 5 1";

        #[test]
        #[cfg(target_endian = "little")]
        fn the_owner_of_the_other_end_is_found_and_not_our_own() {
            let owners: Owners = TABLES.lines().filter_map(row).collect();
            let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
            assert_eq!(owner(&owners, at(0xC001), at(0x1F90)), Some(65534));
            assert_eq!(owner(&owners, at(0xC002), at(0x1F90)), Some(501));
            assert_eq!(owner(&owners, at(0xC003), at(0x1F90)), None);
            let at = |port| SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, port));
            assert_eq!(owner(&owners, at(0xC005), at(0x1F90)), Some(502));
            assert_eq!(owner(&owners, at(0xC001), at(0x1F90)), None);
        }

        #[test]
        #[cfg(target_endian = "little")]
        fn a_socket_without_a_program_is_not_the_administrators() {
            let owners: Owners = TABLES.lines().filter_map(row).collect();
            let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
            assert_eq!(owner(&owners, at(0xC004), at(0x1F90)), None);
        }
    }
}

/// Keeps every connection: only Linux lists their users.
#[cfg(not(target_os = "linux"))]
pub(super) async fn admitted(waiting: Vec<tokio::net::TcpStream>) -> Vec<tokio::net::TcpStream> {
    waiting
}
