//go:build race

package export_test

// raced: the race detector multiplies what a process takes.
const raced = true
