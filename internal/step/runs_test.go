//go:build !race

package step_test

// runs is how many simulations there are of each mode.
const runs = 1500
