//go:build !race

package export_test

// raced: nothing is added to what a process takes.
const raced = false
