//! Has the linker fold functions that came out the same: generic code is compiled once for each type and is often equal
//! byte for byte. The program's memory is mostly the code that is mapped, so a smaller one takes less of it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTFLAGS");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|is| is == value);
    // There Rust links with its own lld unless somebody says otherwise; other linkers need not know the option.
    let has_lld = is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ARCH", "x86_64")
        && is("CARGO_CFG_TARGET_ENV", "gnu");
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let is_told = flags.contains("link") || std::env::var_os("RUSTC_LINKER").is_some();
    if has_lld && !is_told && is("PROFILE", "release") {
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=safe");
        // The table of what the loader has to relocate is read whole at every start; packed it is a twentieth.
        if loader_knows_packed() {
            println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
        }
    }
}

/// Tells whether the C library of this machine is new enough (glibc 2.36) to load packed relocations; where that cannot be
/// told it is not.
fn loader_knows_packed() -> bool {
    let Ok(told) = std::process::Command::new("ldd").arg("--version").output() else {
        return false;
    };
    let told = String::from_utf8_lossy(&told.stdout);
    let version = told.lines().next().and_then(|line| line.rsplit(' ').next());
    version
        .and_then(|version| version.split_once('.'))
        .and_then(|(major, minor)| Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?)))
        .is_some_and(|version| version >= (2, 36))
}
