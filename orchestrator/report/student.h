/* The normal distribution and Student's t. Own code, since the libraries that have them and are packaged are under the GPL
 * (GSL, R's mathlib). Pure; callable from anywhere in the orchestrator. NAN for what is no number, or no probability. */
#ifndef ORCHESTRATOR_REPORT_STUDENT_H
#define ORCHESTRATOR_REPORT_STUDENT_H

/* The probability of a value of z or less, and the z that a probability belongs to, to 12 digits. */
double normal_below(double z);
double normal_point(double probability);

/* The same of Student's t with so many degrees of freedom, which need not be whole, above 0 (infinite: normal). By the
 * regularised incomplete beta function as a continued fraction (NIST Digital Library of Mathematical Functions, 8.17.22),
 * evaluated as Lentz does ("Generating Bessel functions in Mie scattering calculations using continued fractions",
 * Applied Optics 15, 1976). Right to 10 digits. */
double student_below(double t, double freedom);
double student_point(double probability, double freedom);

#endif
