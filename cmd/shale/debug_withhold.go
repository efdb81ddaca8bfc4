package main

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// withhold takes keys and values out of a message: every field of bytes, and the reasons of
// quarantines, which may name the row that is damaged. Other texts name no keys.
func withhold(m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap(), f.Kind() == protoreflect.BytesKind:
			m.Clear(f) // none of these messages has a map; the next may
		case f.Kind() == protoreflect.StringKind && f.IsList():
			for i := range v.List().Len() {
				v.List().Set(i, protoreflect.ValueOfString(unreasoned(v.List().Get(i).String())))
			}
		case f.Name() == "quarantine":
			m.Set(f, protoreflect.ValueOfString(withheld))
		case f.Kind() == protoreflect.StringKind:
			m.Set(f, protoreflect.ValueOfString(unreasoned(v.String())))
		case f.Message() != nil && f.IsList():
			for i := range v.List().Len() {
				withhold(v.List().Get(i).Message())
			}
		case f.Message() != nil:
			withhold(v.Message())
		}
		return true
	})
}

const withheld = "withheld: --keys shows it"

// unreasoned leaves out why a replica is in quarantine.
func unreasoned(text string) string {
	const before = "is in quarantine: "
	head, _, found := strings.Cut(text, before)
	if !found {
		return text
	}
	return head + before + withheld
}
