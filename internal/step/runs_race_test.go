//go:build race

package step_test

// runs is how many simulations there are of each mode: few, since the race detector makes each ten times as slow.
const runs = 150
