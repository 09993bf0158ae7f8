//go:build race

package main

// hurried is the speed of tests in which minutes of the vendors' time pass, under the race detector, which makes what they wait for slower.
const hurried = 10
