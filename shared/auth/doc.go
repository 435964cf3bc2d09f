// Package auth decides who a caller is and what the caller may do. It verifies JSON
// Web Tokens by a shared secret or by public keys, which an issuer may publish and
// change. It reads scopes, and bounds how often a subject may ask. Time is an argument
// everywhere, and what the caller has to fetch is a result (Fetch).
package auth
