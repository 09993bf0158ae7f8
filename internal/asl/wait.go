package asl

import (
	"encoding/json"
	"math"
	"regexp"
	"time"
)

// waiting is what a Wait does: it has exactly one of these.
type waiting struct {
	duration      time.Duration
	secondsPath   *path
	until         *time.Time
	timestampPath *path
}

// longestWait is the longest delay that a path or timestamp may ask for: AWS counts it in 31 bits.
const longestWait = math.MaxInt32 * time.Second

func (p *parser) wait(s *state, o *object) {
	var w waiting
	given := 0
	if o.fields["Seconds"] != nil {
		given++
		w.duration = time.Duration(p.integer(o, "Seconds", 0, maxSeconds, 0)) * time.Second
	}
	if n := o.take("SecondsPath"); n != nil {
		given++
		w.secondsPath = p.referenceOf(n)
	}
	if n := o.take("Timestamp"); n != nil {
		given++
		at, ok := parseTimestamp(n.value)
		if !ok {
			p.refuse(n.place, "must be a timestamp such as 2006-01-02T15:04:05Z")
		}
		w.until = &at
	}
	if n := o.take("TimestampPath"); n != nil {
		given++
		w.timestampPath = p.referenceOf(n)
	}
	if given != 1 {
		p.refuse(o.place, "needs exactly one of Seconds, SecondsPath, Timestamp, TimestampPath")
	}
	s.body = w
}

func (w waiting) run(v *visit, input any) (any, string, error) {
	delay, err := w.delay(v, input)
	if err != nil {
		return nil, "", err
	}
	if delay > longestWait {
		return nil, "", v.runtime("Wait state delay is too long.")
	}
	if v.service.options.Clock.Sleep(v.ctx, delay) != nil {
		return nil, "", v.dropped()
	}
	return input, "", nil
}

func (w waiting) delay(v *visit, input any) (time.Duration, error) {
	now := v.service.options.Clock.Now()
	switch {
	case w.secondsPath != nil:
		return secondsAt(v, *w.secondsPath, input)
	case w.until != nil:
		return w.until.Sub(now), nil
	case w.timestampPath != nil:
		value, err := v.find(*w.timestampPath, input)
		if err != nil {
			return 0, v.lost(err, "The TimestampPath parameter does not reference an input value: %s", w.timestampPath.text)
		}
		at, ok := parseTimestamp(value)
		if !ok {
			return 0, v.runtime("The TimestampPath parameter does not reference a valid ISO-8601 extended offset "+
				"date-time format string: %s == %s", w.timestampPath.text, unquoted(value))
		}
		return at.Sub(now), nil
	default:
		return w.duration, nil
	}
}

func secondsAt(v *visit, p path, input any) (time.Duration, error) {
	value, err := v.find(p, input)
	if err != nil {
		return 0, v.lost(err, "The SecondsPath parameter does not reference an input value: %s", p.text)
	}
	number, _ := value.(json.Number)
	seconds, err := number.Int64()
	switch {
	case err != nil:
		return 0, v.runtime("The SecondsPath parameter cannot be parsed as a long value: %s == %s", p.text, unquoted(value))
	case seconds < 0:
		return 0, v.runtime("The SecondsPath parameter references a negative value: %s == %d", p.text, seconds)
	case seconds > int64(longestWait/time.Second):
		return 0, v.runtime("Wait state delay is too long.")
	}
	return time.Duration(seconds) * time.Second, nil
}

func unquoted(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	return text(value)
}

// timestampForm is RFC 3339 as the states language narrows it: upper case T, and Z or an offset.
var timestampForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$`)

func parseTimestamp(value any) (time.Time, bool) {
	s, ok := value.(string)
	if !ok || !timestampForm.MatchString(s) {
		return time.Time{}, false
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	return at, err == nil
}
