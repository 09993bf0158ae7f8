//go:build !race

package world_test

// fewer is how many times fewer cases of many like ones are tried.
const fewer = 1
