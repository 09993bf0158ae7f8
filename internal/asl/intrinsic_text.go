package asl

import (
	"crypto/md5"  // States.Hash offers it
	"crypto/sha1" // and this
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// longestCoded is how many characters States.Base64Encode, States.Base64Decode and States.Hash take at most.
const longestCoded = 10000

// format puts its arguments in the places of the {} of its template.
func format(i invocation, arguments []any) (any, error) {
	parts := i.call.format
	if parts == nil {
		template, ok := arguments[0].(string)
		if !ok {
			return nil, wrong("the template %s is no string", text(arguments[0]))
		}
		if strings.Contains(template, `\`) {
			return nil, i.unknown("it isn't known what AWS makes of a backslash in a template that comes from the data")
		}
		if parts, ok = formatParts(template); !ok {
			return nil, i.unknown("it isn't known what AWS makes of a { or } alone in a template that comes from the data")
		}
		if len(parts) != len(arguments) {
			return nil, wrong("the template has %d {} for %d arguments", len(parts)-1, len(arguments)-1)
		}
	}
	var b strings.Builder
	b.WriteString(parts[0])
	for n, value := range arguments[1:] {
		if err := i.plainNumbers(value); err != nil {
			return nil, err
		}
		b.WriteString(shown(value))
		b.WriteString(parts[n+1])
	}
	return b.String(), nil
}

// shown is a value as AWS was seen to show it in a text: strings bare, objects as {a=1, b=[]}.
func shown(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case *members:
		fields := make([]string, len(value.keys))
		for i, key := range value.keys {
			fields[i] = key + "=" + shown(value.values[i])
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case []any:
		items := make([]string, len(value))
		for i, item := range value {
			items[i] = shown(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	return text(value)
}

func jsonToString(i invocation, arguments []any) (any, error) {
	if err := i.plainNumbers(arguments[0]); err != nil {
		return nil, err
	}
	return text(arguments[0]), nil
}

func stringToJSON(_ invocation, arguments []any) (any, error) {
	s, ok := arguments[0].(string)
	if !ok {
		return nil, wrong("%s is no string", text(arguments[0]))
	}
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	value, err := decode([]byte(s))
	if err != nil {
		return nil, wrong("the string holds %v", err)
	}
	if value == json.Number("-0") {
		value = json.Number("0")
	}
	return value, nil
}

// jsonMerge puts the second object's fields over the first one's.
func jsonMerge(i invocation, arguments []any) (any, error) {
	first, isObject := arguments[0].(*members)
	second, both := arguments[1].(*members)
	deep, isBool := arguments[2].(bool)
	switch {
	case !isObject || !both:
		return nil, wrong("the first two arguments must be objects")
	case !isBool:
		return nil, wrong("the third argument must be false")
	case deep:
		return nil, wrong("deep merging is not supported")
	}
	all := newMembers(len(first.keys) + len(second.keys))
	for _, m := range []*members{first, second} {
		for i, key := range m.keys {
			all.set(key, m.values[i])
		}
	}
	merged := newMembers(len(all.keys))
	for _, key := range hashed(all.keys) {
		value, _ := all.get(key)
		merged.set(key, value)
	}
	return merged, nil
}

// coded is the string that is to be encoded, decoded or hashed.
func coded(i invocation, value any) (string, error) {
	s, ok := value.(string)
	switch {
	case !ok:
		return "", i.unknown("it isn't known what AWS makes of %s, which is no string", text(value))
	case characters(s) > longestCoded:
		return "", wrong("the string has more than %d characters", longestCoded)
	}
	return s, nil
}

func base64Encode(i invocation, arguments []any) (any, error) {
	s, err := coded(i, arguments[0])
	return base64.StdEncoding.EncodeToString([]byte(s)), err
}

func base64Decode(i invocation, arguments []any) (any, error) {
	s, err := coded(i, arguments[0])
	if err != nil {
		return nil, err
	}
	plain, err := base64.StdEncoding.DecodeString(s)
	switch {
	case err != nil || strings.ContainsAny(s, "\r\n"):
		return nil, i.unknown("it isn't known what AWS makes of Base64 that isn't plain and padded")
	case !utf8.Valid(plain):
		return nil, i.unknown("it isn't known what AWS makes of bytes that are no UTF-8")
	}
	return string(plain), nil
}

func hash(i invocation, arguments []any) (any, error) {
	s, err := coded(i, arguments[0])
	if err != nil {
		return nil, err
	}
	var sum []byte
	switch arguments[1] {
	case "MD5":
		h := md5.Sum([]byte(s))
		sum = h[:]
	case "SHA-1":
		h := sha1.Sum([]byte(s))
		sum = h[:]
	case "SHA-256":
		h := sha256.Sum256([]byte(s))
		sum = h[:]
	case "SHA-384":
		h := sha512.Sum384([]byte(s))
		sum = h[:]
	case "SHA-512":
		h := sha512.Sum512([]byte(s))
		sum = h[:]
	default:
		return nil, wrong("there is no algorithm %s", text(arguments[1]))
	}
	return hex.EncodeToString(sum), nil
}

// stringSplit cuts a string at every character of the second one, and leaves out what is empty.
func stringSplit(i invocation, arguments []any) (any, error) {
	s, isText := arguments[0].(string)
	at, both := arguments[1].(string)
	switch {
	case !isText || !both:
		return nil, wrong("both arguments must be strings")
	case at == "":
		return nil, i.unknown("it isn't known what AWS makes of a string without delimiters")
	}
	parts := []any{}
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(at, r) }) {
		parts = append(parts, part)
	}
	return parts, nil
}
