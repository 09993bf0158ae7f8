// Package phone tells telephone numbers from other text, by libphonenumber's tables.
package phone

import "github.com/nyaruka/phonenumbers"

// Possible reports whether text is a telephone number in E.164 that its country can have, by its length. Whether the number is
// one of those that are given out is not asked: such tables age with every release, and would turn real customers away.
// https://github.com/google/libphonenumber/blob/master/FAQ.md#what-is-the-difference-between-ispossiblenumber-and-isvalidnumber
func Possible(text string) bool {
	number, err := phonenumbers.Parse(text, "")
	return err == nil && phonenumbers.IsPossibleNumber(number) && phonenumbers.Format(number, phonenumbers.E164) == text
}
