package asl

import (
	"cmp"
	"encoding/json"
	"strings"
	"unicode/utf16"
)

// orders are the endings of the comparison operators.
var orders = map[string]func(sign int) bool{
	"Equals":            func(sign int) bool { return sign == 0 },
	"LessThan":          func(sign int) bool { return sign < 0 },
	"LessThanEquals":    func(sign int) bool { return sign <= 0 },
	"GreaterThan":       func(sign int) bool { return sign > 0 },
	"GreaterThanEquals": func(sign int) bool { return sign >= 0 },
}

// comparisons are the operators that compare two values. Values of another type than the operator's never compare true.
var comparisons = allComparisons()

func allComparisons() map[string]func(have, want any) bool {
	all := map[string]func(have, want any) bool{
		"BooleanEquals": func(have, want any) bool {
			a, ok := have.(bool)
			b, both := want.(bool)
			return ok && both && a == b
		},
		"StringMatches": func(have, want any) bool {
			s, ok := have.(string)
			pattern, both := want.(string)
			return ok && both && wildcard(pattern, s)
		},
	}
	for ending, holds := range orders {
		all["String"+ending] = ordered(holds, compareStrings)
		all["Numeric"+ending] = ordered(holds, compareNumbers)
		all["Timestamp"+ending] = ordered(holds, compareTimestamps)
	}
	return all
}

func ordered(holds func(int) bool, compare func(a, b any) (int, bool)) func(have, want any) bool {
	return func(have, want any) bool {
		sign, ok := compare(have, want)
		return ok && holds(sign)
	}
}

// compareStrings orders by UTF-16 code units, as AWS's runtime does.
func compareStrings(a, b any) (int, bool) {
	x, ok := a.(string)
	y, both := b.(string)
	if !ok || !both {
		return 0, false
	}
	left, right := utf16.Encode([]rune(x)), utf16.Encode([]rune(y))
	for i := 0; i < len(left) && i < len(right); i++ {
		if left[i] != right[i] {
			return cmp.Compare(left[i], right[i]), true
		}
	}
	return cmp.Compare(len(left), len(right)), true
}

func compareNumbers(a, b any) (int, bool) {
	x, ok := a.(json.Number)
	y, both := b.(json.Number)
	if !ok || !both {
		return 0, false
	}
	i, err := x.Int64()
	j, other := y.Int64()
	if err == nil && other == nil {
		return cmp.Compare(i, j), true
	}
	f, err := x.Float64()
	g, other := y.Float64()
	return cmp.Compare(f, g), err == nil && other == nil
}

func compareTimestamps(a, b any) (int, bool) {
	x, ok := parseTimestamp(a)
	y, both := parseTimestamp(b)
	return x.Compare(y), ok && both
}

// typeTests are the operators that look at a value's type.
var typeTests = map[string]func(any) bool{
	"IsPresent":   func(any) bool { return true },
	"IsNull":      func(v any) bool { return v == nil },
	"IsString":    func(v any) bool { _, ok := v.(string); return ok },
	"IsNumeric":   func(v any) bool { _, ok := v.(json.Number); return ok },
	"IsBoolean":   func(v any) bool { _, ok := v.(bool); return ok },
	"IsTimestamp": func(v any) bool { _, ok := parseTimestamp(v); return ok },
}

// checkOperand says what is wrong with an operator's literal, if anything.
func checkOperand(operator string, value any) string {
	s, isString := value.(string)
	switch {
	case operator == "BooleanEquals":
		if _, ok := value.(bool); !ok {
			return "must be true or false"
		}
	case strings.HasPrefix(operator, "Numeric"):
		if _, ok := value.(json.Number); !ok {
			return "must be a number"
		}
	case strings.HasPrefix(operator, "Timestamp"):
		if _, ok := parseTimestamp(value); !ok {
			return "must be a timestamp such as 2006-01-02T15:04:05Z"
		}
	case !isString:
		return "must be a string"
	case operator == "StringMatches":
		if !validWildcard(s) {
			return `a backslash may only stand before * or \`
		}
	}
	return ""
}

// validWildcard reports whether every backslash escapes something that can be escaped.
func validWildcard(pattern string) bool {
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '\\' {
			continue
		}
		if i++; i == len(pattern) || pattern[i] != '*' && pattern[i] != '\\' {
			return false
		}
	}
	return true
}

// wildcard reports whether s matches a pattern in which * stands for any characters, and \* for itself.
func wildcard(pattern, s string) bool {
	var parts []string // what stands between the wildcards
	var part strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch {
		case pattern[i] == '*':
			parts = append(parts, part.String())
			part.Reset()
		case pattern[i] == '\\' && i+1 < len(pattern):
			i++
			part.WriteByte(pattern[i])
		default:
			part.WriteByte(pattern[i])
		}
	}
	last := part.String()
	if len(parts) == 0 {
		return s == last
	}
	rest, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	for _, middle := range parts[1:] {
		if _, rest, ok = strings.Cut(rest, middle); !ok {
			return false
		}
	}
	return strings.HasSuffix(rest, last)
}
