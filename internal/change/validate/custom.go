package validate

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	internal "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	openapi "k8s.io/kube-openapi/pkg/validation/validate"

	"github.com/stagegate/stagegate/internal/snapshot"
)

var definitionKind = schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}

// definitions are the kinds beyond Kubernetes' own.
type definitions struct {
	custom     map[schema.GroupKind]*definition
	aggregated map[schema.GroupVersion]bool // served by other API servers: nothing more is known
}

// definition is one CustomResourceDefinition; the schemas are built when first needed.
type definition struct {
	source  snapshot.Object
	schemas map[string]*schemas // by version
	crd     *apiextensions.CustomResourceDefinition
}

// schemas are two forms of one schema; nil where the definition permits anything.
type schemas struct {
	structural *structural.Structural
	validator  *openapi.SchemaValidator
}

// definitionsOf collects what defines kinds; the change's own come before the target's.
func definitionsOf(objects []snapshot.Object, known *snapshot.Snapshot) definitions {
	d := definitions{map[schema.GroupKind]*definition{}, map[schema.GroupVersion]bool{}}
	for _, o := range objects {
		d.add(o)
	}
	if known != nil {
		for _, o := range known.Kind(definitionKind.Group, definitionKind.Kind) {
			d.add(o)
		}
		for _, o := range known.Kind("apiregistration.k8s.io", "APIService") {
			d.add(o)
		}
	}
	return d
}

func (d definitions) add(o snapshot.Object) {
	group, _, _ := unstructured.NestedString(o.Object, "spec", "group")
	switch o.GroupVersionKind().GroupKind() {
	case definitionKind:
		kind, _, _ := unstructured.NestedString(o.Object, "spec", "names", "kind")
		gk := schema.GroupKind{Group: group, Kind: kind}
		if _, ok := d.custom[gk]; !ok {
			d.custom[gk] = &definition{source: o, schemas: map[string]*schemas{}}
		}
	case schema.GroupKind{Group: "apiregistration.k8s.io", Kind: "APIService"}:
		version, _, _ := unstructured.NestedString(o.Object, "spec", "version")
		d.aggregated[schema.GroupVersion{Group: group, Version: version}] = true
	}
}

// check holds a custom resource against the schema of its version.
func (d *definition) check(o snapshot.Object) []string {
	s, err := d.schema(o.GroupVersionKind().Version)
	if err != nil {
		return []string{err.Error()}
	}
	if s == nil {
		return nil
	}
	object := runtime.DeepCopyJSON(o.Object)
	var problems []string
	options := structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	for _, path := range pruning.PruneWithOptions(object, s.structural, true, options) {
		problems = append(problems, unknownField(path))
	}
	setDefaults(object, s.structural)
	for _, err := range s.validator.Validate(object).Errors {
		text := strings.Replace(err.Error(), " in body ", " ", 1)
		problems = append(problems, withoutValue.ReplaceAllString(text, "$1"))
	}
	slices.Sort(problems) // the validator goes by map order
	return problems
}

// withoutValue is a message that ends in the value, which may be a secret.
var withoutValue = regexp.MustCompile(`(?s)( must be of type [^:]+): .*$`)

func (d *definition) schema(version string) (*schemas, error) {
	if s, ok := d.schemas[version]; ok {
		return s, nil
	}
	if d.crd == nil {
		crd := &apiextensions.CustomResourceDefinition{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(d.source.Object, crd); err != nil {
			return nil, fmt.Errorf("its definition at %s cannot be read: %w", d.source.Source, err)
		}
		d.crd = crd
	}
	s, err := schemaOf(d.crd, version)
	if err != nil {
		return nil, err
	}
	d.schemas[version] = s
	return s, nil
}

func schemaOf(crd *apiextensions.CustomResourceDefinition, version string) (*schemas, error) {
	var served []string
	for _, v := range crd.Spec.Versions {
		if !v.Served {
			continue
		}
		served = append(served, v.Name)
		if v.Name != version {
			continue
		}
		return newSchemas(crd.Name, v.Schema)
	}
	slices.Sort(served)
	return nil, fmt.Errorf("%s is not served in version %q: use one of %s", crd.Name, version, strings.Join(served, ", "))
}

func newSchemas(name string, validation *apiextensions.CustomResourceValidation) (*schemas, error) {
	if validation == nil || validation.OpenAPIV3Schema == nil {
		return nil, nil
	}
	var props internal.JSONSchemaProps
	if err := apiextensions.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(validation.OpenAPIV3Schema, &props, nil); err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", name, err)
	}
	s, err := structural.NewStructural(&props)
	if err != nil {
		return nil, fmt.Errorf("the schema of %s is not structural: %w: correct the definition", name, err)
	}
	return &schemas{s, openapi.NewSchemaValidator(s.ToKubeOpenAPI(), nil, "", strfmt.Default)}, nil
}

// setDefaults puts in the defaults of a schema, and takes out nulls that it does not
// permit, as an API server does before it validates.
func setDefaults(value any, s *structural.Structural) {
	if s == nil {
		return
	}
	switch v := value.(type) {
	case map[string]any:
		for name := range s.Properties {
			property := s.Properties[name]
			if v[name] == nil && !property.Nullable {
				delete(v, name)
			}
			if _, ok := v[name]; !ok && property.Default.Object != nil {
				v[name] = runtime.DeepCopyJSONValue(property.Default.Object)
			}
			if nested, ok := v[name]; ok {
				setDefaults(nested, &property)
			}
		}
		if s.AdditionalProperties != nil {
			for name := range v {
				setDefaults(v[name], s.AdditionalProperties.Structural)
			}
		}
	case []any:
		for _, item := range v {
			setDefaults(item, s.Items)
		}
	}
}
