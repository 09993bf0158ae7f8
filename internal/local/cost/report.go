package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/project-gimbal/fleet/internal/catalog"
)

// fleetSizes are the fleets whose months are priced.
var fleetSizes = []float64{100, 1000, 10000}

// Report is all that "make cost" says.
type Report struct {
	Prices       Prices   `json:"priceList"`
	Plays        int      `json:"plays"`
	Measured     Measured `json:"measured"`
	Provisioning Bill     `json:"provisioning"`
	Update       Bill     `json:"updateEstimate"`
	Standing     Bill     `json:"standingMonth"`
	Idle         Bill     `json:"idleInstanceMonth"`
	Fleets       []Fleet  `json:"fleetMonths"`
	VendorsLow   float64  `json:"vendorsMonthLow"`
	VendorsHigh  float64  `json:"vendorsMonthHigh"`
}

// Fleet is a month of a number of idle instances.
type Fleet struct {
	Instances   float64 `json:"instances"`
	USD         float64 `json:"usd"`
	PerInstance float64 `json:"usdPerInstance"`
}

func newReport(p Prices, m Measured, plays int) (Report, error) {
	r := Report{Prices: p, Plays: plays, Measured: m, Idle: p.idle(m)}
	var err error
	if r.Provisioning, err = p.provisioning(m); err != nil {
		return r, err
	}
	if r.Update, err = p.update(m); err != nil {
		return r, err
	}
	if r.Standing, err = p.standing(m); err != nil {
		return r, err
	}
	for _, n := range fleetSizes {
		usd := r.Standing.USD + n*r.Idle.USD
		r.Fleets = append(r.Fleets, Fleet{n, usd, usd / n})
	}
	for _, v := range p.Vendors {
		r.VendorsLow += v.Low
		r.VendorsHigh += v.High
	}
	return r, nil
}

// writeJSON writes the report for programs.
func (r Report) writeJSON(out io.Writer) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	_, err = out.Write(append(text, '\n'))
	return err
}

// write writes the report for people.
func (r Report) write(out io.Writer) error {
	say(out, "Gimbal Fleet at AWS list prices of %s, %s, %s; no free tiers\n\n", r.Prices.Date, r.Prices.Region, r.Prices.Architecture)
	say(out, "one provisioning            %s   mean of %d played with the vendors' latencies\n", dollars(r.Provisioning.USD), r.Plays)
	say(out, "one update                  %s   an estimate: there is no workflow yet; the steps that it repeats, as measured\n", dollars(r.Update.USD))
	say(out, "one month, standing costs   %s   schedules and what is paid by the month, whatever the number of instances\n", dollars(r.Standing.USD))
	say(out, "one month, idle instance    %s   its records; and its share of the standing costs\n\n", dollars(r.Idle.USD))

	t := tabwriter.NewWriter(out, 0, 0, 3, ' ', tabwriter.AlignRight)
	say(t, "FLEET OF\tA MONTH\tEACH\tVENDORS A MONTH\t\n")
	for _, f := range r.Fleets {
		say(t, "%s\t%s\t%s\t$%s to $%s\t\n", whole(f.Instances), dollars(f.USD), dollars(f.PerInstance), whole(f.Instances*r.VendorsLow), whole(f.Instances*r.VendorsHigh))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	say(out, "\nThe vendors' prices are their own, from the strategy, and no part of Fleet's:\n")
	for _, v := range r.Prices.Vendors {
		price := fmt.Sprintf("$%s to $%s", whole(v.Low), whole(v.High))
		if v.Low == v.High {
			price = "$" + whole(v.Low)
		}
		if v.High == 0 {
			price = "variable"
		}
		say(out, "  %s, %s%s\n", v.Name, price, prefixed(v.Note))
	}
	for _, b := range []struct {
		title string
		bill  Bill
	}{{"one provisioning", r.Provisioning}, {"one update, estimated", r.Update}, {"one month, standing costs", r.Standing}, {"one month, idle instance", r.Idle}} {
		if err := b.bill.write(out, b.title); err != nil {
			return err
		}
	}
	return r.writeFunctions(out)
}

func prefixed(note string) string {
	if note == "" {
		return ""
	}
	return ", " + note
}

// write writes a bill, the dearest line first.
func (b Bill) write(out io.Writer, title string) error {
	say(out, "\n%s\n", title)
	lines := slices.Clone(b.Lines)
	slices.SortStableFunc(lines, func(a, b Line) int { return cmp.Compare(b.USD, a.USD) })
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, l := range lines {
		say(t, "  %s\t%s\t%s %s\n", l.Item, dollars(l.USD), amount(l.Quantity), l.Unit)
	}
	return t.Flush()
}

// writeFunctions writes what each function used in a provisioning, and in one invocation with nothing to do.
func (r Report) writeFunctions(out io.Writer) error {
	say(out, "\nused in one provisioning, by function\n")
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	head := "\tINVOCATIONS\tBILLED s\tREAD UNITS\tWRITE UNITS\tKMS\tSECRETS\tLOG BYTES\t\n"
	row := func(name string, u Usage) {
		say(t, "%s\t%.1f\t%.2f\t%.1f\t%.1f\t%.1f\t%.1f\t%.0f\t\n", name, u.Invocations, u.Milliseconds/1000, u.ReadUnits, u.WriteUnits,
			u.KeyCalls, u.SecretCalls, u.LogBytes)
	}
	say(t, "%s", head)
	var sum Usage
	for _, f := range catalog.Functions() {
		if u, ok := r.Measured.Provisioning[f.Name]; ok {
			row(f.Name, u)
			sum = sum.plus(u)
		}
	}
	row("all", sum)
	if err := t.Flush(); err != nil {
		return err
	}
	say(out, "\nused by one scheduled invocation that finds nothing to do\n")
	say(t, "%s", head)
	for _, f := range catalog.Functions() {
		if u, ok := r.Measured.Idle[f.Name]; ok {
			row(f.Name, u)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	say(out, "\nbilled s is without cold starts. Not measured, but assumed:\n")
	for _, name := range assumed {
		a := r.Prices.Assumptions[name]
		say(out, "  %s %s: %s\n", name, amount(a.Value), a.Why)
	}
	return nil
}

// dollars shows an amount of money, small ones with the digits that say something.
func dollars(usd float64) string {
	if usd == 0 || usd >= 0.01 {
		return fmt.Sprintf("$%.2f", usd)
	}
	return fmt.Sprintf("$%.6f", usd)
}

func amount(n float64) string {
	if n >= 100 || n == float64(int64(n)) {
		return whole(n)
	}
	return fmt.Sprintf("%.3g", n)
}

// whole is a rounded number with its thousands apart.
func whole(n float64) string {
	text := fmt.Sprintf("%.0f", n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// say writes to a person. Whoever closed that pipe doesn't want to know.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }
