package main

import (
	"fmt"
	"strings"
)

// counted is a number of things: "1 incident", "2 incidents".
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// either is a text, or another where there is none.
func either(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// joined is all texts that are there, with a separator between.
func joined(separator string, texts ...string) string {
	var there []string
	for _, text := range texts {
		if text != "" {
			there = append(there, text)
		}
	}
	return strings.Join(there, separator)
}
