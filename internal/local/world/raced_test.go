//go:build race

package world_test

// fewer is how many times fewer cases of many like ones are tried under the race detector, which makes each six times slower.
const fewer = 4
