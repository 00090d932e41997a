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
    }
}
