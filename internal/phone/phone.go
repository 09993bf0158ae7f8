// Package phone tells telephone numbers from other text, by libphonenumber's tables. Only what is needed of them is here, since the
// library takes longer to load them than a Lambda otherwise takes to start.
package phone

//go:generate go run ./generate

import "strings"

// plan is what the numbers of one calling code are like.
type plan struct {
	// lengths has bit n set where the part behind the calling code may have n digits, and zeros where it may if it begins with 0.
	lengths, zeros uint32
}

// Possible reports whether text is a telephone number in E.164 that its country can have, by its length. Whether the number is
// one of those that are given out is not asked: such tables age with every release, and would turn real customers away.
// https://github.com/google/libphonenumber/blob/master/FAQ.md#what-is-the-difference-between-ispossiblenumber-and-isvalidnumber
func Possible(text string) bool {
	digits, ok := strings.CutPrefix(text, "+")
	if !ok || strings.Trim(digits, "0123456789") != "" {
		return false
	}
	for n := 1; n <= 3 && n < len(digits); n++ { // no calling code begins with another
		if p, ok := plans[digits[:n]]; ok {
			lengths := p.lengths
			if digits[n] == '0' {
				lengths = p.zeros
			}
			return lengths&(1<<(len(digits)-n)) != 0
		}
	}
	return false
}
