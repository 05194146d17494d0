// That this program compiled and linked is the test.
int main()
{
}
