package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	netv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	yamlreader "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// checkManifests decodes each object strictly into the type of the Kubernetes API module, looks
// for what that type requires, and for selectors that select none of the pods.
func checkManifests(files []string) ([]fault, error) {
	var faults []fault
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		found, err := checkObjects(file, text)
		if err != nil {
			return nil, err
		}
		faults = append(faults, found...)
	}
	return faults, nil
}

func checkObjects(file string, text []byte) ([]fault, error) {
	var faults []fault
	var objects []runtime.Object
	unchecked := map[string]bool{}
	documents := yamlreader.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		var what metav1.PartialObjectMetadata
		if err := yaml.Unmarshal(document, &what); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if what.Kind == "" {
			continue // a comment alone
		}
		kind := schema.FromAPIVersionAndKind(what.APIVersion, what.Kind)
		where := fmt.Sprintf("%s %s/%s", file, what.Kind, what.Name)
		object, err := scheme.Scheme.New(kind)
		if err != nil {
			unchecked[what.APIVersion+" "+what.Kind] = true
			continue
		}
		for _, problem := range validation.IsDNS1123Subdomain(what.Name) {
			if strings.HasSuffix(what.Kind, "List") {
				break // a list has no name
			}
			faults = append(faults, fault{where, problem})
		}
		if err := yaml.UnmarshalStrict(document, object); err != nil {
			faults = append(faults, fault{where, err.Error()})
			continue
		}
		var plain any
		if err := yaml.Unmarshal(document, &plain); err != nil {
			return nil, err
		}
		for _, path := range missing(reflect.TypeOf(object).Elem(), plain, "") {
			faults = append(faults, fault{where, "lacks " + path})
		}
		objects = append(objects, object)
	}
	faults = append(faults, idleSelectors(file, objects)...)
	fmt.Printf("ok   %s: %d objects decoded as types of the Kubernetes API module\n", file, len(objects))
	for _, kind := range slices.Sorted(maps.Keys(unchecked)) {
		fmt.Printf("     not checked, a custom resource: %s\n", kind)
	}
	return faults, nil
}

// missing gives the paths of what a type requires, as its JSON tags say, and a value lacks.
func missing(kind reflect.Type, value any, path string) []string {
	for kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	if reflect.PointerTo(kind).Implements(reflect.TypeFor[interface{ UnmarshalJSON([]byte) error }]()) {
		return nil
	}
	var paths []string
	switch value := value.(type) {
	case []any:
		for n, one := range value {
			paths = append(paths, missing(kind.Elem(), one, fmt.Sprintf("%s[%d]", path, n))...)
		}
	case map[string]any:
		if kind.Kind() != reflect.Struct {
			return nil
		}
		for n := range kind.NumField() {
			field := kind.Field(n)
			name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
			inner, there := value[name]
			switch {
			case strings.Contains(options, "inline"):
				paths = append(paths, missing(field.Type, value, path)...)
			case there && inner != nil:
				paths = append(paths, missing(field.Type, inner, path+"."+name)...)
			case name != "" && name != "-" && !strings.Contains(options, "omit"):
				paths = append(paths, path+"."+name)
			}
		}
	}
	return paths
}

// idleSelectors gives those selectors of services, budgets, policies and workloads that select no
// pod of the same file.
func idleSelectors(file string, objects []runtime.Object) []fault {
	var pods []labels.Set
	for _, object := range objects {
		if template := templateOf(object); template != nil {
			pods = append(pods, template.Labels)
		}
	}
	var faults []fault
	for _, object := range objects {
		name, selector := selectorOf(object)
		if selector == nil {
			continue
		}
		chosen, err := metav1.LabelSelectorAsSelector(selector)
		if err != nil {
			faults = append(faults, fault{file + " " + name, err.Error()})
		} else if !slices.ContainsFunc(pods, func(pod labels.Set) bool { return chosen.Matches(pod) }) {
			faults = append(faults, fault{file + " " + name, "its selector selects no pod"})
		}
	}
	return faults
}

func templateOf(object runtime.Object) *corev1.PodTemplateSpec {
	switch object := object.(type) {
	case *appsv1.Deployment:
		return &object.Spec.Template
	case *appsv1.StatefulSet:
		return &object.Spec.Template
	}
	return nil
}

func selectorOf(object runtime.Object) (string, *metav1.LabelSelector) {
	switch object := object.(type) {
	case *appsv1.Deployment:
		return object.Name, object.Spec.Selector
	case *appsv1.StatefulSet:
		return object.Name, object.Spec.Selector
	case *policyv1.PodDisruptionBudget:
		return object.Name, object.Spec.Selector
	case *netv1.NetworkPolicy:
		return object.Name, &object.Spec.PodSelector
	case *corev1.Service:
		return object.Name, &metav1.LabelSelector{MatchLabels: object.Spec.Selector}
	}
	return "", nil
}
