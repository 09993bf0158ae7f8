//go:build !race

package main

// hurried is the speed of tests in which minutes of the vendors' time pass, as in a take-down that waits out what may still happen.
const hurried = 40
