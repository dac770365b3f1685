// Package internal has no code of its own: its test holds the rules of all packages below
// it, such as what may import what.
package internal
